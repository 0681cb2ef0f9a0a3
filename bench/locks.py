"""The cost of a step of the lock core as held locks and waiting requests grow: it should stay constant."""

import statistics
import time
from collections.abc import Callable

from impl.locks.core import step
from impl.locks.state import LockState
from spec.locks.model import Free, Try, Wait
from spec.locks.names import Level, Lock, Mode, Owner, Request, job

STEPS = 400


def node(name: object) -> Lock:
    """Return a node's lock."""
    return Lock(Level.NODE, 1, f"n{name}")


def exclusive(*locks: Lock) -> tuple[Request, ...]:
    """Return an exclusive request for some locks."""
    return tuple(Request(lock, Mode.EXCLUSIVE) for lock in locks)


def filled(held: int, waiting: int) -> LockState:
    """Return a state with locks held by 100 owners, and requests waiting for as many locks of one owner."""
    state = LockState()
    for number in range(100):
        mine = [node(f"h{number}-{place}") for place in range(held // 100)]
        if mine:
            state, _ = step(state, Try(job(1000 + number), exclusive(*mine)))
    busy = [node(f"w{number}") for number in range(100)]
    state, _ = step(state, Try(job(1), exclusive(*busy)))
    for number in range(waiting):
        state, _ = step(state, Wait(job(10_000 + number), 0, exclusive(busy[number % 100])))
    return state


def median(state: LockState, act: Callable[[LockState, Owner, Lock], LockState]) -> float:
    """Return the median time of `act` in microseconds."""
    taken: list[float] = []
    for number in range(STEPS):
        start = time.perf_counter()
        act(state, job(500_000 + number), node(f"x{number}"))
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


def take_and_free(state: LockState, owner: Owner, lock: Lock) -> LockState:
    """Take a lock that nobody has, and free it."""
    state, _ = step(state, Try(owner, exclusive(lock)))
    return step(state, Free(owner))[0]


def hand_over(state: LockState, owner: Owner, lock: Lock) -> LockState:
    """Take a lock, let another owner wait for it, free it, and free the granted one."""
    state, _ = step(state, Try(owner, exclusive(lock)))
    other = owner._replace(pid=7)
    state, _ = step(state, Wait(other, 0, exclusive(lock)))
    state, _ = step(state, Free(owner))
    return step(state, Free(other))[0]


def release_one_of_many(state: LockState, _owner: Owner, _lock: Lock) -> LockState:
    """Release one lock for which a hundredth of the waiting requests wait; one is granted."""
    return step(state, Try(job(1), (Request(node("w0"), Mode.RELEASE),)))[0]


def main() -> None:
    """Print the curve."""
    for held, waiting in (
        (0, 0),
        (1000, 0),
        (10_000, 0),
        (100_000, 0),
        (0, 100),
        (0, 1000),
        (0, 10_000),
        (100_000, 10_000),
    ):
        state = filled(held, waiting)
        text = f"  {held:>7,} held, {waiting:>6,} waiting: take and free {median(state, take_and_free):6.1f} µs"
        text += f", hand over {median(state, hand_over):6.1f} µs"
        if waiting:
            text += f", release with {waiting // 100:>3} waiting for it {median(state, release_one_of_many):6.1f} µs"
        print(text, flush=True)


if __name__ == "__main__":
    main()
