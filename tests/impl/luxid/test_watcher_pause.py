import os
from pathlib import Path

import pytest

from impl.luxid.watcher_pause import read_pause, write_pause
from impl.paths import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    root = Root(str(tmp_path))
    os.makedirs(root.state)
    return root


def test_a_pause_lasts_until_its_time(root: Root) -> None:
    assert read_pause(root, 5.0) is None
    write_pause(root, 100.7)
    assert [read_pause(root, now) for now in (99.9, 100.0, 200.0)] == [100.0, None, None]
    write_pause(root, None)
    write_pause(root, None)
    assert read_pause(root, 5.0) is None


@pytest.mark.parametrize("text", ["", "soon", "\xff"])
def test_a_file_without_a_time_is_no_pause(root: Root, text: str) -> None:
    with open(f"{root.state}/watcher.pause", "w", encoding="latin-1") as file:
        file.write(text)
    assert read_pause(root, 5.0) is None
