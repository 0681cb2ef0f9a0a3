"""A copy in a directory: what it reads back, what it refuses, and what a sender does when entries are missing.

Senders that fail and catch up in a running daemon: `tests/impl/wconfd/test_daemon_failures.py`.
"""

import threading
from pathlib import Path

import pytest

from impl.config.model import Config, Draft
from impl.store import replicas
from impl.store.replicas import DirectoryTarget, Entry, ReplicaError, Sender
from tests.impl.config.values import config


def history(count: int) -> tuple[list[Config], list[Entry]]:
    """Configurations, each with one change, and the entries that lead from one to the next."""
    found, entries = [config()], []
    for number in range(count):
        draft = Draft(found[-1])
        if number % 2:
            draft.remove("nodes", f"new{number - 1}")
        else:
            draft.put("nodes", f"new{number}", {"uuid": f"new{number}", "ü": number})
        after, changes = draft.finish(float(number))
        entries.append(Entry(found[-1].serial, after.serial, changes))
        found.append(after)
    return found, entries


@pytest.fixture
def target(tmp_path: Path) -> DirectoryTarget:
    return DirectoryTarget(str(tmp_path / "copy"))


def test_a_copy_is_at_every_configuration_in_turn(target: DirectoryTarget) -> None:
    known, entries = history(5)
    assert (target.position(), target.read()) == (0, Config())
    target.replace(known[0].serial, known[0].text())
    for wanted, entry in zip(known[1:], entries, strict=True):
        target.append(entry)
        assert target.read().text() == wanted.text()
        assert target.position() == wanted.serial
    again = DirectoryTarget(target.name)
    assert again.read().text() == known[-1].text()


def test_what_does_not_follow_or_is_torn_is_passed_over(target: DirectoryTarget, tmp_path: Path) -> None:
    known, entries = history(3)
    target.replace(known[0].serial, known[0].text())
    target.append(entries[0])
    target.append(entries[2])
    assert target.read().text() == known[1].text(), "an entry is missing in between"
    target.append(entries[1])
    log = tmp_path / "copy" / "config.log"
    whole = log.read_bytes()
    for cut in range(len(whole)):
        log.write_bytes(whole[:cut])
        assert target.read().text() in {known[0].text(), known[1].text(), known[2].text()}


def test_a_log_that_ends_within_a_line_or_is_long_takes_no_more(
    target: DirectoryTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, entries = history(2)
    target.replace(known[0].serial, known[0].text())
    target.append(entries[0])
    log = tmp_path / "copy" / "config.log"
    log.write_bytes(log.read_bytes()[:-1])
    with pytest.raises(ReplicaError, match="ends within a line"):
        target.append(entries[1])
    monkeypatch.setattr(replicas, "MAX_LOG", 3)
    with pytest.raises(ReplicaError, match="its log is long"):
        target.append(entries[1])
    target.replace(known[2].serial, known[2].text())
    assert target.read().text() == known[2].text()


def test_a_copy_that_cannot_be_read_is_named(target: DirectoryTarget, tmp_path: Path) -> None:
    target.replace(1, b"no configuration")
    with pytest.raises(ReplicaError, match=r"cannot be used .*not valid JSON") as refused:
        target.position()
    assert refused.value.name == str(tmp_path / "copy")


class Noting:
    """A target in memory that notes what it is given; `reached` is set when it holds the serial number `goal`."""

    name = "noting"

    def __init__(self, serial: int, goal: int) -> None:
        self.serial = serial
        self.goal = goal
        self.log: list[str] = []
        self.reached = threading.Event()

    def position(self) -> int:
        return self.serial

    def _reach(self, serial: int) -> None:
        self.serial = serial
        if serial == self.goal:
            self.reached.set()

    def append(self, entry: Entry) -> None:
        assert entry.before == self.serial
        self.log.append(f"append {entry.after}")
        self._reach(entry.after)

    def replace(self, serial: int, whole: bytes) -> None:
        self.log.append(f"replace {serial}")
        self._reach(serial)


def test_a_sender_appends_what_follows_and_replaces_where_entries_are_missing() -> None:
    known, entries = history(3)
    current = [known[0]]
    follows = Noting(known[0].serial, known[2].serial)
    sender = Sender(follows, lambda: current[0])
    for after, entry in zip(known[1:3], entries, strict=False):
        current[0] = after
        sender.put(entry)
    assert follows.reached.wait(30)
    sender.stop()
    assert follows.log == [f"append {after.serial}" for after in known[1:3]]
    assert (sender.repairs, sender.lag) == (0, (0, 0.0))

    behind = Noting(2, known[3].serial)
    current[0] = known[3]
    sender = Sender(behind, lambda: current[0])
    assert behind.reached.wait(30)
    sender.stop()
    assert (behind.log, sender.repairs) == ([f"replace {known[3].serial}"], 1)
