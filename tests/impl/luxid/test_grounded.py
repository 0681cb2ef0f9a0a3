"""luxid's disk changes nothing by a name that leads to what is another's."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from impl.luxid.grounded import GroundedDisk
from impl.process.ground import Ground, GroundLostError

CHANGES: dict[str, Callable[[GroundedDisk, str], None]] = {
    "write": lambda disk, queue: disk.write(f"{queue}/job-1", b"ours"),
    "append": lambda disk, queue: disk.append(f"{queue}/job-1", b"ours", 0),
    "rename": lambda disk, queue: disk.rename(f"{queue}/job-1", f"{queue}/job-2"),
    "unlink": lambda disk, queue: disk.unlink(f"{queue}/job-1"),
    "make_directory": lambda disk, queue: disk.make_directory(f"{queue}/archive"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_changed_in_a_directory_that_was_replaced(change: str, tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    queue.mkdir()
    ground = Ground([str(queue)])
    disk = GroundedDisk(ground)
    (queue / "job-1").write_bytes(b"first")
    CHANGES[change](disk, str(queue))
    assert (os.listdir(queue), queue.joinpath("job-1").exists() and (queue / "job-1").read_bytes()) != (
        ["job-1"],
        b"first",
    ), "while it is ours, it is changed"
    queue.rename(tmp_path / "aside")
    queue.mkdir()
    (queue / "job-1").write_bytes(b"another's")
    ground.require = ground.require_now  # type: ignore[method-assign]
    with pytest.raises(GroundLostError):
        CHANGES[change](disk, str(queue))
    assert os.listdir(queue) == ["job-1"]
    assert (queue / "job-1").read_bytes() == b"another's"
    ground.close()
