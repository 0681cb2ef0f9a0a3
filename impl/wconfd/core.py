"""Wconfd's whole state and the step that a call makes: `apply(state, call) -> (state', outcome)`. Pure.

The time and a random number come in with the call; what must be written, whom to notify and the answer go out.

One call takes a lock, the next one reserves an address and finds its owner dead; each notes what must be written:

>>> from impl.config.reservations import MACS, reserve
>>> from spec.locks.model import Request, Try
>>> from spec.locks.names import job, other, parse_lock
>>> me, owner = other("wconfd"), job(7, "/livelocks/job_7", 107)
>>> call = Call(State(), now=0.0, draw=1, me=me)
>>> call.lock(Try(owner, (Request(parse_lock("node/n1"), Mode.SHARED),))).blockers
()
>>> [(change.owner.ident, change.lock.name, change.mode.name) for change in call.batch.held]
[(7, 'n1', 'SHARED')]
>>> later = Call(call.state, now=1.0, draw=2, me=me)
>>> later.put_reservations(*reserve(later.state.reservations, MACS, owner, "aa:00:00:00:00:01"))
>>> known_owners(later.state) == {owner}
True
>>> later.bury(owner)
>>> known_owners(later.state), [change.present for change in later.batch.reservations]
(set(), [True, False])
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec

from impl.config import reservations as temporary
from impl.config.errors import ConfigurationError
from impl.config.model import Change, Config, Draft
from impl.config.reservations import ReservationChange, Reservations
from impl.locks.core import step
from impl.locks.state import NOBODY, LockState
from impl.store.port import Batch, HeldChange, Saved, WaitingChange
from spec.locks.model import Effects, Event, Free
from spec.locks.names import CONFIG_LOCK, LockError, Mode, Owner


class State(NamedTuple):
    """Locks, configuration, temporary reservations."""

    locks: LockState = LockState()
    config: Config = Config()
    reservations: Reservations = Reservations()


T = TypeVar("T")


class Call:
    """One call under way: it reads and replaces the state, and notes what changed.

    Attributes:
        state: the state so far.
        now: seconds since the epoch.
        draw: a number drawn at random for this call.
        me: the daemon as an owner of locks.
        batch: what has to be written before the call is answered.
        steps: the lock core's events, and what each answered or how it was refused.
    """

    __slots__ = ("batch", "draw", "me", "now", "state", "steps")

    def __init__(self, state: State, now: float, draw: int, me: Owner) -> None:
        self.state = state
        self.now = now
        self.draw = draw
        self.me = me
        self.batch = Batch()
        self.steps: list[tuple[Event, Effects | LockError]] = []

    def lock(self, event: Event) -> Effects:
        """Perform an event of the lock core.

        Raises:
            LockError: it is refused.
        """
        try:
            locks, outcome = step(self.state.locks, event)
        except LockError as error:
            self.steps.append((event, error))
            raise
        self.steps.append((event, outcome.effects))
        if locks is not self.state.locks:
            self.state = State(locks, self.state.config, self.state.reservations)
            self.batch.held += [HeldChange(*change) for change in outcome.held]
            for owner, pending in outcome.waiting:
                arrival = locks.waiting[owner].arrival if pending is not None else 0
                self.batch.waiting.append(WaitingChange(owner, pending, arrival))
        return outcome.effects

    def holds_config(self, owner: Owner, mode: Mode) -> bool:
        """Return whether an owner holds the configuration lock in this mode or a stronger one."""
        return self.state.locks.locks_of(owner).get(CONFIG_LOCK, Mode.RELEASE) >= mode

    @property
    def config_is_locked(self) -> bool:
        """Whether somebody holds the configuration lock: then no single object is changed."""
        return bool(self.state.locks.direct.get(CONFIG_LOCK, NOBODY))

    @property
    def config(self) -> Config:
        """The configuration.

        Raises:
            ConfigurationError: there is none yet.
        """
        if self.state.config.empty:
            raise ConfigurationError("there is no configuration yet: create the cluster first")
        return self.state.config

    def config_text(self) -> msgspec.Raw:
        """Return the whole configuration, encoded for the wire."""
        return msgspec.Raw(self.config.text())

    def change_config(self, change: Callable[[Draft], T]) -> T:
        """Change the configuration; a change that raises leaves it as it was."""
        draft = Draft(self.config)
        result = change(draft)
        self.put_config(*draft.finish(self.now))
        return result

    def put_config(self, config: Config, changes: list[Change]) -> None:
        """Replace the configuration."""
        self.state = self.state._replace(config=config)
        self.batch.config.extend(changes)

    def put_reservations(self, state: Reservations, changes: list[ReservationChange]) -> None:
        """Replace the reservations."""
        self.state = self.state._replace(reservations=state)
        self.batch.reservations.extend(changes)

    def bury(self, owner: Owner) -> None:
        """Drop all locks and reservations of an owner that is dead."""
        self.lock(Free(owner))
        self.put_reservations(*temporary.drop_all(self.state.reservations, owner))


def known_owners(state: State) -> set[Owner]:
    """Return everybody who holds or waits for a lock, or has reserved something."""
    return {*state.locks.held, *state.locks.waiting} | temporary.owners(state.reservations)


def restore(saved: Saved, *, fair: bool) -> State:
    """Build the state that a store has saved."""
    from impl.config.model import from_rows
    from impl.locks.view import restore as restore_locks

    return State(
        restore_locks(saved.held, saved.waiting, fair=fair),
        from_rows(list(saved.config)) if saved.config else Config(),
        temporary.restore(saved.reservations),
    )


def as_batch(state: State) -> Batch:
    """Return a batch that writes a whole state into an empty store."""
    waiting = [
        WaitingChange(known.pending.owner, known.pending, known.arrival) for known in state.locks.waiting.values()
    ]
    reservations = [
        ReservationChange(kind, owner, item, present=True)
        for (kind, owner), items in state.reservations.by_owner.items()
        for item in items
    ]
    reservations += [
        ReservationChange(temporary.MINORS, node, (minor, disk), present=True)
        for (node, minor), disk in state.reservations.minors.items()
    ]
    return Batch(
        [
            HeldChange(owner, lock, mode)
            for owner, mine in state.locks.held.items()
            for lock, mode in mine.locks.items()
        ],
        waiting,
        [
            Change(section, key, known.text)
            for section, objects in state.config.sections.items()
            for key, known in objects.items()
        ],
        reservations,
    )
