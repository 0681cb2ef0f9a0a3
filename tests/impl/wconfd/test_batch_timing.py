"""The rule of when a batch is written: over simulated clients and writes, without clocks, and in the batches."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from impl.store.port import Batch, Saved
from impl.wconfd.batch_timing import LONGEST_HASTE, LONGEST_MOMENT, MOMENT, QUICK, SLOW, TURNS, Pace
from impl.wconfd.batches import Batches
from impl.wconfd.core import Call, State
from spec.locks.model import Try
from spec.locks.names import Lock, Mode, Request, job, other

SYNC = 0.008


def batches_of(pace: Pace, think: Sequence[float], writes: int, took: float = SYNC) -> list[int]:
    """The sizes of the batches that clients get who call again `think` seconds after each answer, in a closed loop.

    Calls that come while a batch is written wait for the next one, as in the daemon.
    """
    now = 0.0
    sizes: list[int] = []
    calls = sorted((0.0, client) for client in range(len(think)))
    waiting: list[int] = []
    closes = 0.0
    while len(sizes) < writes:
        while calls and calls[0][0] <= closes and not (waiting and sizes and pace.is_moment_over(len(waiting))):
            now, client = calls.pop(0)
            waiting.append(client)
        if not waiting:
            closes = calls[0][0]
            continue
        if now < closes and not pace.is_moment_over(len(waiting)):
            now = closes
            pace.learn_moment(len(waiting))
        pace.start_batch()
        batch, waiting = waiting, []
        now += took
        sizes.append(len(batch))
        while calls and calls[0][0] <= now:
            waiting.append(calls.pop(0)[1])
        closes = now + pace.learn_write(took, len(batch), len(waiting))
        calls = sorted(calls + [(now + think[client], client) for client in batch])
    return sizes


def test_clients_that_come_back_share_each_slow_write() -> None:
    sizes = batches_of(Pace(), [0.0002 * (number + 1) for number in range(8)], 40)
    assert sizes[1:] == [8] * 39


def test_without_the_moment_they_share_half_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impl.wconfd.batch_timing.SLOW", 1.0)
    sizes = batches_of(Pace(), [0.0002 * (number + 1) for number in range(8)], 40)
    assert sum(sizes[20:]) < 20 * 5


def test_one_who_stays_away_delays_the_others_by_a_moment_only() -> None:
    pace = Pace()
    assert pace.learn_write(SYNC, 8, 0) == min(MOMENT * SYNC, LONGEST_MOMENT) < SYNC
    assert not pace.is_moment_over(7)
    assert pace.is_moment_over(8)


def test_no_moment_is_longer_than_the_bound() -> None:
    assert Pace().learn_write(3.0, 1, 0) == LONGEST_MOMENT


def test_those_who_called_while_it_was_written_count_too() -> None:
    pace = Pace()
    pace.learn_write(SYNC, 4, 4)
    assert not pace.is_moment_over(7)
    assert pace.is_moment_over(8)


def moments(pace: Pace, came_back: Callable[[int], int], writes: int) -> int:
    """How many of `writes` slow writes, answering 8 each, were followed by a moment; `came_back` calls were in it."""
    count = 0
    for number in range(writes):
        if pace.learn_write(SYNC, 8, 0):
            count += 1
            if not pace.is_moment_over(came_back(number)):
                pace.learn_moment(came_back(number))
    return count


def test_where_few_come_back_moments_become_rare() -> None:
    assert moments(Pace(), lambda _: 1, 200) <= 200 / LONGEST_HASTE + 5


def test_where_half_come_back_there_is_a_moment_each_time() -> None:
    assert moments(Pace(), lambda _: 4, 200) == 200


def test_haste_ends_with_the_first_moment_in_which_all_came_back() -> None:
    pace = Pace()
    moments(pace, lambda _: 1, 100)
    while not pace.learn_write(SYNC, 8, 0):
        pass
    assert pace.is_moment_over(8)
    assert moments(pace, lambda number: 1 if number == 0 else 8, 3) == 2  # one moment in vain costs one hasty batch


def test_quick_writes_are_followed_by_no_moment() -> None:
    pace = Pace()
    quick = [pace.quick]
    assert pace.learn_write(QUICK / 2, 8, 0) == 0.0
    quick.append(pace.quick)
    for _ in range(60):
        pace.learn_write(SLOW * 2, 8, 0)
    quick.append(pace.quick)
    assert quick == [False, True, False]
    assert pace.learn_write(SLOW * 2, 8, 0) > 0.0


def test_a_single_call_takes_no_further_turn() -> None:
    assert not Pace().another_turn(1)


def test_turns_go_on_while_they_bring_more_and_are_bounded() -> None:
    pace = Pace()
    assert pace.another_turn(4)
    assert not pace.another_turn(4)
    pace.start_batch()
    assert [pace.another_turn(2 + number) for number in range(TURNS)] == [True] * (TURNS - 1) + [False]


class Disk:
    """A store that takes no time, and notes how many locks each batch gave."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def load(self) -> Saved | None:
        return None

    def commit(self, batch: Batch) -> int:
        self.sizes.append(len(batch.held))
        return len(self.sizes)

    def close(self) -> None:
        return None


def sizes_of(arrivals: Sequence[int]) -> list[int]:
    """The batches of calls of which `arrivals` say how many come in each turn of the loop."""
    disk = Disk()

    async def run() -> None:
        batches = Batches(disk, State(), lambda _grants: None, lambda *_batch: None)
        number = 0
        for count in arrivals:
            for _ in range(count):
                number += 1
                call = Call(batches.state, 0.0, 0, other("me"))
                lock = Lock(3, 1, f"n{number}")  # type: ignore[arg-type]
                call.lock(Try(job(number), (Request(lock, Mode.EXCLUSIVE),)))
                batches.take(call, lambda _failure: None)
            await asyncio.sleep(0)
        await batches.close()

    asyncio.run(run())
    return disk.sizes


def test_calls_that_arrive_while_others_are_performed_join_their_batch() -> None:
    assert sizes_of([4, 4]) == [8]
    assert sizes_of([2, 1, 1]) == [4]


def test_a_batch_does_not_wait_for_ever_for_those_who_go_on_arriving() -> None:
    sizes = sizes_of([2] * 10)
    assert sizes[0] == 2 * TURNS
    assert sum(sizes) == 20
