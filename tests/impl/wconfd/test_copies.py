"""Which copy of the configuration is the newest good one."""

import json
from pathlib import Path

import pytest

from impl.config.model import from_value
from impl.paths import Root
from impl.store.port import Saved
from impl.wconfd.copies import DamagedStateError, newest_copy, read_copy
from impl.wconfd.core import State, as_batch
from tests.impl.config.values import VALUE


@pytest.fixture
def root(short_path: Path) -> Root:
    root = Root(str(short_path))
    root.make_directories()
    return root


def write(path: str, serial: int) -> None:
    Path(path).write_text(json.dumps({**VALUE, "serial_no": serial}), encoding="utf-8")


def saved(serial: int) -> Saved:
    config = from_value({**VALUE, "serial_no": serial})
    return Saved(1, (), (), tuple(as_batch(State(config=config)).config), ())


def test_the_highest_serial_number_wins_and_what_cannot_be_read_is_passed_over(root: Root, tmp_path: Path) -> None:
    assert newest_copy(root, [str(tmp_path)]) is None
    write(root.config, 5)
    found = newest_copy(root, [str(tmp_path)], saved(4))
    assert found is not None
    assert (found.path, found.config.serial) == (root.config, 5)
    found = newest_copy(root, [], saved(6))
    assert found is not None
    assert found.path == root.store
    write(str(tmp_path / "config.data"), 8)
    found = newest_copy(root, [str(tmp_path)], saved(6))
    assert found is not None
    assert (found.path, found.config.serial) == (str(tmp_path), 8)
    (tmp_path / "config.data").write_bytes(b"{")
    Path(root.config).write_bytes(b"")
    found = newest_copy(root, [str(tmp_path)], saved(6))
    assert found is not None
    assert found.path == root.store


def test_the_refusal_names_the_file_the_copy_and_the_command(root: Root) -> None:
    write(root.config, 5)
    text = str(DamagedStateError("/x/wconfd.db", "why", newest_copy(root, [])))
    assert text == (
        f"/x/wconfd.db is damaged (why), and is left as it is; the newest good copy of the configuration is "
        f"{root.config}, serial number 5: 'gantry cluster recover --from {root.config}' takes it"
    )
    assert "no good copy is known" in str(DamagedStateError("/x/wconfd.db", "why", None))


def test_a_copy_is_a_file_or_the_directory_of_a_replica(root: Root, tmp_path: Path) -> None:
    assert read_copy(str(tmp_path)) is None
    assert read_copy(str(tmp_path / "config.data")) is None
    write(str(tmp_path / "config.data"), 8)
    for path in (tmp_path, tmp_path / "config.data"):
        config = read_copy(str(path))
        assert config is not None
        assert config.serial == 8
