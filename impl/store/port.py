"""The port to durable state: what a batch is, and what an adapter promises. No adapter lives here.

An adapter promises (see `spec.store`): when `commit` returns, the whole batch survives the end of the process and of
the machine; when it raises, nothing of the batch is there, now or later, unless the machine ended meanwhile, and
earlier batches are untouched. `load` answers the state after the last batch that was committed.

With the embedded adapter:

>>> import tempfile
>>> from impl.store.sqlite import SqliteStore
>>> directory = tempfile.TemporaryDirectory()
>>> store = SqliteStore(directory.name + "/wconfd.db")
>>> store.load() is None
True
>>> store.commit(Batch(config=[Change("nodes", "u1", b'{"name":"n1"}')]))
1
>>> store.load().config
(Change(section='nodes', key='u1', text=b'{"name":"n1"}'),)
>>> store.close()
>>> directory.cleanup()
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from impl.config.model import Change
from impl.config.reservations import ReservationChange
from spec.errors import GantryError
from spec.locks.model import Pending
from spec.locks.names import Lock, Mode, Owner


class StoreError(GantryError):
    """A batch could not be written; nothing of it was kept. `reason` is the adapter's."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the change could not be written to disk and was undone ({reason}): free or repair the disk")


class StoreUnusableError(GantryError):
    """The store at `path` cannot be opened or read."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot use the store {path} ({reason}): repair it, or see 'gantry cluster recover --help'")


class StoreDamagedError(StoreUnusableError):
    """The store at `path` has lost something; `saved` is what can be read of it, None if nothing can."""

    def __init__(self, path: str, reason: str, saved: "Saved | None" = None) -> None:
        self.saved = saved
        super().__init__(path, reason)


class HeldChange(NamedTuple):
    """An owner's new mode on a lock (RELEASE: it holds it no more)."""

    owner: Owner
    lock: Lock
    mode: Mode


class WaitingChange(NamedTuple):
    """An owner's new pending request (None: it waits no more), and its number in the order of arrival."""

    owner: Owner
    pending: Pending | None
    arrival: int


@dataclass(slots=True)
class Batch:
    """Changes that become durable together, in the order in which they happened."""

    held: list[HeldChange] = field(default_factory=list)
    waiting: list[WaitingChange] = field(default_factory=list)
    config: list[Change] = field(default_factory=list)
    reservations: list[ReservationChange] = field(default_factory=list)

    def add(self, other: "Batch") -> None:
        """Let the changes of `other` follow."""
        if other.held:
            self.held += other.held
        if other.waiting:
            self.waiting += other.waiting
        if other.config:
            self.config += other.config
        if other.reservations:
            self.reservations += other.reservations

    def __bool__(self) -> bool:
        return bool(self.held or self.waiting or self.config or self.reservations)


@dataclass(frozen=True, slots=True)
class Saved:
    """A durable state; `number` counts the batches that led to it, pending requests come in the order of arrival."""

    number: int
    held: tuple[tuple[Owner, tuple[tuple[Lock, Mode], ...]], ...]
    waiting: tuple[tuple[int, Pending], ...]
    config: tuple[Change, ...]
    reservations: tuple[ReservationChange, ...]


class Store(Protocol):
    """Durable state; every method may block, and is called from one thread at a time."""

    def load(self) -> Saved | None:
        """Return the state after the last committed batch; None if there was never one.

        Raises:
            StoreDamagedError: something of it is lost; the store is then closed.
        """

    def commit(self, batch: Batch) -> int:
        """Make a batch durable, and answer its number.

        Raises:
            StoreError: it could not be written; nothing of it is kept.
        """

    def close(self) -> None:
        """Let go of the store."""
