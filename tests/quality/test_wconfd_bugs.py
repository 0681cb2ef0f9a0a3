"""Bugs planted into the lock core and wconfd: the named check must find each."""

import asyncio
import fcntl
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from checkers.models.locks import extension, unsound
from impl.locks import blocking, core, fair, serving, state, view
from impl.process import livelock
from impl.store.port import Batch, StoreError
from impl.wconfd import batches, deaths
from impl.wconfd.core import Call, State
from spec.locks import rules
from spec.locks.model import Downgrade, Effects, Event, Free, FreeLevel, Intersect, Opportunistic, Try, Wait
from spec.locks.names import BGL, Level, Lock, LockError, Mode, Request, job, lockset, other
from spec.locks.properties import STATE_PROPERTIES, STEP_PROPERTIES

OWNERS = [job(1), job(2), other("x"), job(30)]
LOCKS = [lockset(Level.NODE), Lock(Level.NODE, 1, "a"), Lock(Level.NODE, 1, "b"), BGL, Lock(Level.NETWORK, 1, "n")]
ALL = (Mode.SHARED, Mode.EXCLUSIVE, Mode.EXCLUSIVE, Mode.RELEASE)


def random_event(chance: random.Random) -> Event:
    owner = chance.choice(OWNERS)

    def asked(modes: tuple[Mode, ...]) -> tuple[Request, ...]:
        return tuple(Request(chance.choice(LOCKS), chance.choice(modes)) for _ in range(chance.choice((1, 1, 2, 3))))

    make: list[Callable[[], Event]] = [
        lambda: Try(owner, asked(ALL)),
        lambda: Wait(owner, chance.randint(-1, 1), asked(ALL)),
        lambda: Wait(owner, chance.randint(-1, 1), asked(ALL)),
        lambda: Free(owner),
        lambda: FreeLevel(owner, Level.NODE),
        lambda: Downgrade(owner, Level.NODE),
        lambda: Intersect(owner, frozenset(LOCKS[:2])),
        lambda: Opportunistic(owner, asked(ALL[:3]), chance.randint(0, 2)),
    ]
    return chance.choice(make)()


def attempt(step: Callable[[Any, Event], tuple[Any, Any]], before: Any, event: Event) -> tuple[Any, Any]:
    try:
        return step(before, event)
    except LockError as error:
        return before, (type(error), str(error))


def side_by_side(histories: int = 300, length: int = 30, *, fairly: bool = False) -> str | None:
    """Return the check that finds a difference between `spec.locks.rules` and `impl.locks`, or None."""
    chance = random.Random(1)
    for _ in range(histories):
        plain, clever = rules.LockState(fair=fairly), state.LockState(fair=fairly)
        for _ in range(length):
            event = random_event(chance)
            before = clever
            plain, expected = attempt(rules.step, plain, event)
            clever, outcome = attempt(core.step, clever, event)
            if (outcome.effects if isinstance(outcome, core.Outcome) else outcome) != expected:
                return "answers"
            if extension(clever) != plain:
                return "states"
            if unsound(clever):
                return "indexes"
            if isinstance(outcome, core.Outcome) and not _outcome_covers_changes(before, clever, outcome):
                return "changes"
    return None


def _outcome_covers_changes(before: state.LockState, after: state.LockState, outcome: core.Outcome) -> bool:
    held = {(owner, lock): mode for owner, mine in view.holders(before) for lock, mode in mine}
    held.update({(owner, lock): mode for owner, lock, mode in outcome.held})
    now = {(owner, lock): mode for owner, mine in view.holders(after) for lock, mode in mine}
    waiting = {pending.owner: pending for pending in view.all_pending(before)}
    for owner, pending in outcome.waiting:
        waiting.pop(owner, None)
        if pending is not None:
            waiting[owner] = pending
    same_held = {key: mode for key, mode in held.items() if mode} == now
    same_waiting = sorted(waiting.values()) == view.all_pending(after)
    return bool(same_held and same_waiting)


def properties(histories: int = 200, length: int = 25) -> str | None:
    """Return the property of the specification that a random history breaks, or None."""
    chance = random.Random(2)
    for _ in range(histories):
        now = rules.LockState()
        for _ in range(length):
            event = random_event(chance)
            before = now
            try:
                now, effects = rules.step(now, event)
            except LockError:
                continue
            for name, holds in STATE_PROPERTIES.items():
                if holds(now):
                    return name
            for name, step_holds in STEP_PROPERTIES.items():
                if step_holds(before, event, now, effects):
                    return name
    return None


def test_without_bugs_nothing_is_found() -> None:
    assert side_by_side(150) is None
    assert side_by_side(50, fairly=True) is None
    assert properties(100) is None


# -- bugs of the implementation's lock core


def _partial(original: Any) -> Any:
    def assign(self: Any, owner: Any, requests: Any) -> None:
        given = list(requests)
        original(self, owner, given[:1] if len(given) > 1 else given)

    return assign


def _leaves_old_queue(self: Any, pending: Any, place: Any) -> None:
    known = self.waiting.get(pending.owner)
    if known is None:
        self.waiting_changes[pending.owner] = pending
    self.waiting[pending.owner] = state.Waiting(pending, place, self.arrivals if known is None else known.arrival)
    self.arrivals += known is None
    self.queues[place] = self.queues.get(place, state.NO_QUEUE).add(pending)


def _past_lockset(original: Any) -> Any:
    def in_the_way(indexes: Any, place: Any, owner: Any) -> bool:
        return place.via == 0 and bool(original(indexes, place, owner))

    return in_the_way


def _past_members(original: Any) -> Any:
    def free_for(indexes: Any, place: Any) -> Any:
        if place.via == 0 and not place.lock.member and not indexes.direct.get(place.lock, state.NOBODY):
            return blocking.EVERYBODY
        return original(indexes, place)

    return free_for


def _shared_passes_exclusive(original: Any) -> Any:
    def free_for(indexes: Any, place: Any) -> Any:
        return blocking.EVERYBODY if place.mode == Mode.SHARED and place.via else original(indexes, place)

    return free_for


def _least_urgent_first(heap: list[Any]) -> Any:
    worst = max(heap)
    heap.remove(worst)
    return worst


def _free_forgets_pending(original: Any) -> Any:
    def unconditional(locks: Any, owner: Any, requests: Any) -> Any:
        if owner in locks.waiting and not list(requests):
            return locks, core.NOTHING
        return original(locks, owner, requests)

    return unconditional


def _silent_grants(original: Any) -> Any:
    return lambda draft, *, blocked_on=(), granted=None: original(draft, blocked_on=blocked_on, granted=granted and [])


def _unsaved(original: Any) -> Any:
    def finish(draft: Any, **more: Any) -> Any:
        after, outcome = original(draft, **more)
        return after, outcome._replace(held=outcome.held[:-1])

    return finish


def _unguarded(original: Any) -> Any:
    return lambda locks, owner, wishes, _at_least: original(locks, owner, wishes, 0)


def _uncounted(original: Any) -> Any:
    def count(table: Any, group: Any, owner: Any, difference: int) -> None:
        original(table, group, owner, max(0, difference))

    return count


def _repeats_move_up(original: Any) -> Any:
    def step(locks: Any, event: Any) -> Any:
        if isinstance(event, Wait) and event.owner in locks.waiting:
            locks = original(locks, Free(event.owner))[0]
        return original(locks, event)

    return step


CORE_BUGS: dict[str, tuple[Any, str, Callable[[Any], Any], str]] = {
    "lost wake-up": (serving, "_look_at_loosened", lambda _: lambda _draft, _heap: None, "answers"),
    "wakes only the locks of another level": (serving, "_places", lambda f: lambda lock: f(lock)[4:], "answers"),
    "partial grant": (state.Draft, "assign", _partial, "states"),
    "grant past an implied lockset": (blocking, "_in_the_way", _past_lockset, "answers"),
    "grant of a lockset past its members": (blocking, "free_for", _past_members, "answers"),
    "shared request past an exclusive lockset": (blocking, "free_for", _shared_passes_exclusive, "answers"),
    "priority inverted": (serving, "heappop", lambda _: _least_urgent_first, "answers"),
    "forgotten re-index of a waiting request": (state.Draft, "put_waiting", lambda _: _leaves_old_queue, "indexes"),
    "members counted up and never down": (state, "_count", _uncounted, "indexes"),
    "lock order unchecked": (core, "check", lambda _: lambda *_args: None, "answers"),
    "freeing forgets the pending request": (core, "_unconditional", _free_forgets_pending, "states"),
    "grants without a notification": (core, "_finish", _silent_grants, "answers"),
    "a change that is not saved": (core, "_finish", _unsaved, "changes"),
    "a guard that does not guard": (core, "_opportunistic", _unguarded, "answers"),
    "a second request in place of the first": (core, "step", _repeats_move_up, "answers"),
    "an upgrade that waits for itself": (
        blocking,
        "_in_the_way",
        lambda _: lambda indexes, place, _owner: blocking.free_for(indexes, place) is not blocking.EVERYBODY,
        "states",
    ),
}


@pytest.mark.parametrize("bug", CORE_BUGS)
def test_bugs_of_the_lock_core_are_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, plant, check = CORE_BUGS[bug]
    planted = plant(getattr(where, name))
    monkeypatch.setattr(where, name, planted)
    if (where, name) == (core, "_finish"):
        assert core._finish is planted
    if name == "free_for":
        monkeypatch.setattr(serving, "free_for", planted)
    assert side_by_side() == check


def test_a_fair_mode_without_claims_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair, "_claimants", lambda _claimed, _requests: [])
    assert side_by_side(fairly=True) == "answers"


def test_a_fair_mode_whose_claims_deadlock_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair, "_reaches", lambda _graph, _start, _goal: False)
    assert side_by_side(fairly=True) is not None


# -- bugs of the specification: its properties see them


SPEC_BUGS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "nothing blocks": ("holders_in_the_way", lambda _: lambda *_args: frozenset(), "exclusion"),
    "nobody is served": ("serve", lambda _: lambda now: (now, frozenset()), "nothing grantable waits"),
    "half of a grant": (
        "assign",
        lambda f: lambda now, owner, mine: f(now, owner, list(mine)[:1]),
        "all or nothing",
    ),
    "who is freed goes on waiting": (
        "_unconditional",
        lambda _: lambda now, owner, mine: (rules.serve(rules.assign(now, owner, mine))[0], Effects()),
        "all or nothing",
    ),
    "the freed keep their last lock": (
        "_unconditional",
        lambda f: lambda now, owner, mine: f(now, owner, mine[1:]),
        "the dead leave nothing",
    ),
    "the caller is notified too": (
        "_unconditional",
        lambda f: lambda now, owner, mine: (f(now, owner, mine)[0], f(now, owner, mine)[1]._replace(granted=(owner,))),
        "each grant notified once",
    ),
    "a second pending request": (
        "pending_of",
        lambda _: lambda _now, _owner: None,
        "one pending request",
    ),
}


@pytest.mark.parametrize("bug", SPEC_BUGS)
def test_properties_see_bugs_of_the_specification(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, plant, expected = SPEC_BUGS[bug]
    monkeypatch.setattr(rules, name, plant(getattr(rules, name)))
    assert properties() == expected


# -- bugs of the daemon: answers before the change is durable, changes that remain after an undo, live owners freed


class Disk:
    """A store that records its writes, and fails if it is set to."""

    def __init__(self, happened: list[str], *, fails: bool) -> None:
        self.happened = happened
        self.fails = fails

    def load(self) -> None:
        return None

    def commit(self, _batch: Batch) -> int:
        if self.fails:
            raise StoreError("full")
        self.happened.append("durable")
        return 1

    def close(self) -> None:
        return None


def handed_over(*, fails: bool = False) -> tuple[list[str], batches.Batches]:
    """Return the events, in order, when a lock passes from its owner to a waiter."""
    happened: list[str] = []

    async def run() -> batches.Batches:
        me, one, two = other("me"), job(1), job(2)
        start = Call(State(), 0.0, 0, me)
        start.lock(Try(one, (Request(BGL, Mode.EXCLUSIVE),)))
        start.lock(Wait(two, 0, (Request(BGL, Mode.EXCLUSIVE),)))
        found = batches.Batches(
            Disk(happened, fails=fails),
            start.state,
            lambda grants: happened.extend("notify" for _ in grants),
            lambda *_args: None,
        )
        call = Call(found.state, 0.0, 0, me)
        call.lock(Free(one))
        found.take(call, lambda failure: happened.append("undone" if failure else "answer"))
        await found.close()
        return found

    return happened, asyncio.run(run())


def test_answers_and_notifications_follow_the_disk() -> None:
    assert handed_over()[0] == ["durable", "answer", "notify"]
    happened, found = handed_over(fails=True)
    assert happened == ["undone"]
    assert found.state == found.durable
    assert job(1) in found.state.locks.held


def test_a_notification_before_the_disk_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = batches.Batches.take

    def take(self: Any, call: Call, answer: Any, lines: Any = ()) -> None:
        grants = [g for _, e in call.steps if isinstance(e, Effects) for g in e.granted]
        self._notify([(owner, 0) for owner in grants])
        plain(self, call, answer, lines)

    monkeypatch.setattr(batches.Batches, "take", take)
    assert handed_over()[0].index("notify") < handed_over()[0].index("durable")


def test_an_answer_before_the_disk_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = batches.Batches.take

    def take(self: Any, call: Call, answer: Any, lines: Any = ()) -> None:
        answer(None)
        plain(self, call, lambda _failure: None, lines)

    monkeypatch.setattr(batches.Batches, "take", take)
    assert handed_over()[0][0] == "answer"


@pytest.fixture
def living() -> Iterator[str]:
    """Yield the live-lock of a living process."""
    path = f"/tmp/gantry-bug-{os.getpid()}"
    code = (
        "import fcntl, os, sys; d = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); fcntl.lockf(d, fcntl.LOCK_EX);"
        "print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield path
        process.kill()
    os.unlink(path)


def test_a_live_owner_taken_for_dead_is_caught(living: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = job(1, living, 4)
    assert deaths.find_dead([owner], "") == []

    def with_flock(path: str) -> bool:
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    monkeypatch.setattr(deaths, "is_dead", with_flock)
    assert deaths.find_dead([owner], "") == [owner], "flock does not see record locks: the check above would fail"
    assert livelock.is_dead(living) is False


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_thousand_steps_side_by_side() -> None:
    assert side_by_side(1700, 60) is None
