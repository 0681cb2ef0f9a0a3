"""A disk that loses, when the power goes, what was not synced; for the crash explorers.

It remembers, for each file, the content that was synced and the one that was only written, and, for the directories,
the changes of names since their last sync. A power cut keeps any of the unsynced changes of names (a rename is one
change; a change is not kept without the earlier ones of the same name: file systems keep these in order), and of
unsynced contents the old one, the new one, or the half of it.
"""

import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

MAX_OUTCOMES = 600
"""Disks tried for one cut; beyond it, only those in which all, none, one, or all but one change survive."""


class PowerCutError(Exception):
    """The power went before an operation."""


@dataclass(eq=False, slots=True)
class _File:
    written: bytes = b""
    synced: bytes = b""


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of names: what disappears and what appears."""

    gone: tuple[str, ...]
    path: str | None
    file: _File | None

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.gone, self.path or ""))

    def touches(self, directory: str) -> bool:
        return any(name.rpartition("/")[0] == directory for name in (*self.gone, self.path or "/"))


@dataclass(slots=True)
class SimulatedDisk:
    """A disk that loses what was not synced; satisfies `impl.luxid.disk.Disk`.

    Attributes:
        directories: those that there are.
        cut_at: before which operation the power goes, counted from 0; None never.
        operations: how many there were.
    """

    directories: Iterable[str]
    cut_at: int | None = None
    operations: int = 0
    now: dict[str, _File] = field(default_factory=dict)
    durable: dict[str, _File] = field(default_factory=dict)
    pending: list[_Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directories = set(self.directories)

    def _tick(self) -> None:
        if self.operations == self.cut_at:
            raise PowerCutError
        self.operations += 1

    # -- the port

    def lock(self, path: str) -> int | None:
        """Take a lock: always free, for no other process is simulated."""
        return 1 if path else None

    def unlock(self, handle: int) -> None:
        """Do nothing."""

    def read(self, path: str) -> bytes:
        """Return the content that was written, synced or not."""
        if path not in self.now:
            raise FileNotFoundError(path)
        return self.now[path].written

    def write(self, path: str, data: bytes) -> None:
        """Write in place."""
        self._tick()
        file = self.now.get(path)
        if file is None:
            file = self.now[path] = _File()
            self.pending.append(_Change((), path, file))
        file.written = data

    def append(self, path: str, data: bytes, size: int) -> None:
        """Append, then sync: the power may go in between."""
        self._tick()
        file = self.now[path]
        file.written = file.written[:size] + data
        self._tick()
        file.synced = file.written

    def sync(self, path: str) -> bool:
        """Sync a content."""
        if path not in self.now:
            return False
        self._tick()
        self.now[path].synced = self.now[path].written
        return True

    def rename(self, source: str, target: str) -> None:
        """Rename."""
        self._tick()
        if source not in self.now:
            raise FileNotFoundError(source)
        file = self.now.pop(source)
        self.now[target] = file
        self.pending.append(_Change((source,), target, file))

    def unlink(self, path: str) -> None:
        """Remove a name."""
        self._tick()
        if self.now.pop(path, None) is not None:
            self.pending.append(_Change((path,), None, None))

    def exists(self, path: str) -> bool:
        """Return whether there is such a file."""
        return path in self.now

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory."""
        prefix = directory + "/"
        inside = {
            path[len(prefix) :].partition("/")[0] for path in (*self.now, *self.directories) if path.startswith(prefix)
        }
        return sorted(inside)

    def make_directory(self, directory: str) -> None:
        """Make a directory, durable at once: the store syncs its parent anyway."""
        self.directories = {*self.directories, directory}

    def sync_directory(self, directory: str) -> None:
        """Make the names in a directory durable."""
        self._tick()
        synced = _with_earlier(self.pending, [i for i, c in enumerate(self.pending) if c.touches(directory)])
        for index in synced:
            _apply(self.durable, self.pending[index])
        self.pending = [change for index, change in enumerate(self.pending) if index not in synced]

    # -- the cut

    def outcomes(self) -> Iterator["SimulatedDisk"]:
        """Yield every disk that a power cut now may leave."""
        for survivors in _subsets(len(self.pending)):
            names = dict(self.durable)
            for index in _with_earlier(self.pending, survivors):
                _apply(names, self.pending[index])
            unsynced = [file for file in dict.fromkeys(names.values()) if file.written != file.synced]
            for contents in _contents(unsynced):
                files = {id(file): _File(file.synced, file.synced) for file in names.values()}
                for file, content in zip(unsynced, contents, strict=True):
                    files[id(file)] = _File(content, content)
                now = {path: files[id(file)] for path, file in names.items()}
                yield SimulatedDisk(self.directories, now=dict(now), durable=dict(now))

    def copy(self, cut_at: int | None) -> "SimulatedDisk":
        """Return the same disk, to be cut elsewhere."""
        copies = {id(file): _File(file.written, file.synced) for file in self.now.values()}
        now = {path: copies[id(file)] for path, file in self.now.items()}
        return SimulatedDisk(self.directories, cut_at, now=dict(now), durable=dict(now))

    def image(self) -> Hashable:
        """Return the files by name with their contents, and the directories; for disks on which everything is synced.

        Two names of one file differ from names of two files with the same content.
        """
        first: dict[int, str] = {}
        files = [(path, first.setdefault(id(file), path), file.written) for path, file in sorted(self.now.items())]
        return frozenset(self.directories), tuple(files)

    def killed(self) -> "SimulatedDisk":
        """Return the disk after SIGKILL of the writer: all that was written is there."""
        now = {path: _File(file.written, file.written) for path, file in self.now.items()}
        return SimulatedDisk(self.directories, now=dict(now), durable=dict(now))


def _apply(names: dict[str, _File], change: _Change) -> None:
    for path in change.gone:
        names.pop(path, None)
    if change.path is not None and change.file is not None:
        names[change.path] = change.file


def _with_earlier(changes: Sequence[_Change], chosen: Sequence[int]) -> list[int]:
    """Return the chosen changes and all earlier ones of the same names, in order: file systems keep these in order."""
    wanted = set(chosen)
    for index in range(max(wanted, default=-1), -1, -1):
        later = {name for other in wanted if other > index for name in changes[other].names}
        if index not in wanted and changes[index].names & later:
            wanted.add(index)
    return sorted(wanted)


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    if 2**count <= MAX_OUTCOMES // 4:
        for size in range(count + 1):
            yield from itertools.combinations(range(count), size)
        return
    everything = tuple(range(count))
    yield ()
    yield everything
    for index in everything:
        yield (index,)
        yield (*everything[:index], *everything[index + 1 :])
        yield everything[:index]


def _contents(files: Sequence[_File]) -> Iterator[tuple[bytes, ...]]:
    choices = [(file.synced, _torn(file), file.written) for file in files]
    if 3 ** len(files) <= 27:
        yield from itertools.product(*choices)
        return
    for kind in range(3):
        yield tuple(choice[kind] for choice in choices)
        for odd, other in itertools.product(range(len(files)), range(3)):
            yield tuple(choice[other if at == odd else kind] for at, choice in enumerate(choices))


def _torn(file: _File) -> bytes:
    """Return what was appended or rewritten, to its half; a synced part that was not touched stays."""
    start = len(file.synced) if file.written.startswith(file.synced) else 0
    return file.written[: start + (len(file.written) - start) // 2]
