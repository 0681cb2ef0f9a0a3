"""The stops of a recording: which disks are tried, and what a loss says."""

from checkers.crashes.crash_points import Mark, Rename, Step, Sync, SyncDirectory, Write, applied, explore_crashes
from checkers.verdict import Illegal, Ok


def test_every_subset_and_torn_writes_are_tried() -> None:
    seen: set[bytes] = set()

    def note(_events: object, image: dict[str, bytes]) -> None:
        seen.add(image.get("f", b""))

    writes = [Write("f", 0, b"aa"), Write("f", 2, b"bb"), Write("f", 0, b"cc")]
    steps: list[Step] = [*writes, Mark("x"), Sync("f")]
    assert isinstance(explore_crashes(steps, note), Ok)
    assert seen == {b"", b"aa", b"\0\0bb", b"aabb", b"cc", b"ccbb", b"a", b"aab", b"cabb"}
    assert applied({}, writes) == {"f": b"ccbb"}


def test_a_rename_without_a_sync_may_be_lost() -> None:
    def allows(events: object, image: dict[str, bytes]) -> str | None:
        return None if not events or image.get("f") == b"new" else "the new file is not there"

    steps: list[Step] = [Write("f.new", 0, b"new"), Sync("f.new"), Rename("f.new", "f")]
    lost = explore_crashes([*steps, Mark("done")], allows)
    assert isinstance(lost, Illegal)
    assert lost.witness.describe() == (
        "stopped after step 4, of the unsynced changes kept nothing: the new file is not there"
    )
    assert isinstance(explore_crashes([*steps, SyncDirectory(), Mark("done")], allows), Ok)
