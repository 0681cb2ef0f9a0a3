"""Files that a tool is going to write: looked at before the work, and left as they were."""

from pathlib import Path

import pytest

from htools.commandline.saving import check_writable
from htools.errors import AccessError


def test_the_look_at_a_file_leaves_nothing_behind(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("kept")
    check_writable(str(old))
    check_writable(str(new))
    assert old.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("name", ["no/where", "old/file", "."])
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "old").write_text("kept")
    with pytest.raises(AccessError, match="openFile"):
        check_writable(str(tmp_path / name))
