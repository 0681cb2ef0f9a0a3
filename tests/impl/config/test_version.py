import pytest

from impl.config.model import parse
from impl.config.version import VERSION, VersionError, check_version, version_name


def test_ours_passes_and_every_other_is_named() -> None:
    check_version(VERSION, "here")
    for number, name in (
        (2_120_000, "2.12"),
        (3_010_002, "3.1.2"),
        (-1, "-1"),
        (None, "None"),
        (True, "True"),
        (10**12, "1000000000000"),
    ):
        with pytest.raises(VersionError) as caught:
            check_version(number, "/root/config.data")
        assert str(caught.value).startswith(
            f"/root/config.data has the format of version {name}, this program knows 3.0"
        )
        assert version_name(number) == name


def test_the_version_is_read_as_the_file_has_it() -> None:
    assert parse(b'{"version": 3000000, "cluster": {}, "serial_no": 1}').sections[""]["version"].value == VERSION
