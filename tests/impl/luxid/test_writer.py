"""The writer's thread with a store that can be held and can fail: order, sharing, failure, mending."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from impl.luxid import writer as module
from impl.luxid.journal import Entry
from impl.luxid.store import QueueStore
from impl.luxid.writer import Writer


class FakeStore:
    """Notes what is written; waits for `gate` and fails while `failure` is set."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.failure: OSError | None = None
        self.commits: list[tuple[list[int], int | None]] = []
        self.log: list[str] = []
        self.journal_grown = False

    def commit(self, entries: Sequence[Entry], serial: int | None = None) -> None:
        self.entered.release()
        assert self.gate.wait(30)
        if self.failure is not None:
            raise self.failure
        self.commits.append(([entry.id for entry in entries], serial))

    def rotate(self) -> tuple[int, tuple[int, ...]]:
        self.journal_grown = False
        self.log.append("rotate")
        return 3, (1, 2)

    def settle(self, number: int, ids: tuple[int, ...]) -> None:
        self.log.append(f"settle {number} {ids}")

    def close(self) -> None:
        self.log.append("close")


def run(body: Callable[[Writer, FakeStore], Coroutine[Any, Any, None]]) -> FakeStore:
    store = FakeStore()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        writer = Writer(store, loop)  # type: ignore[arg-type]
        await body(writer, store)
        store.gate.set()
        await loop.run_in_executor(None, writer.close)

    asyncio.run(main())
    return store


def entry(number: int) -> Entry:
    return Entry(number, b"%d" % number)


def test_those_who_wait_during_a_write_share_the_next_one() -> None:
    async def body(writer: Writer, store: FakeStore) -> None:
        store.gate.clear()
        futures = [writer.commit([entry(1)], 1)]
        await asyncio.to_thread(store.entered.acquire)
        futures += [writer.commit([entry(2)], 2), writer.commit([entry(3)]), writer.commit([entry(4), entry(5)], 4)]
        store.gate.set()
        await asyncio.gather(*futures)

    assert run(body).commits == [([1], 1), ([2, 3, 4, 5], 4)]


def test_other_work_keeps_its_place_in_the_line() -> None:
    async def body(writer: Writer, store: FakeStore) -> None:
        store.gate.clear()
        writer.commit([entry(1)])
        await asyncio.to_thread(store.entered.acquire)
        writer.commit([entry(2)])
        called = writer.call(lambda: len(store.commits))
        writer.commit([entry(3)])
        store.gate.set()
        assert await called == 2
        await writer.wait_until_written()

    assert run(body).commits == [([1], None), ([2], None), ([3], None)]


def test_one_record_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_LIMIT", 2)

    async def body(writer: Writer, store: FakeStore) -> None:
        store.gate.clear()
        writer.commit([entry(0)])
        await asyncio.to_thread(store.entered.acquire)
        for number in range(1, 6):
            writer.commit([entry(number)])
        store.gate.set()
        await writer.wait_until_written()

    assert [ids for ids, _ in run(body).commits] == [[0], [1, 2], [3, 4], [5]]


def test_after_a_failure_all_fails_until_it_is_mended() -> None:
    async def body(writer: Writer, store: FakeStore) -> None:
        store.failure = OSError(28, "No space left on device")
        first, second = writer.commit([entry(1)]), writer.call(lambda: store.log.append("never"))
        await writer.wait_until_written()
        store.failure = None
        third = writer.commit([entry(3)])
        await writer.wait_until_written()
        for future in (first, second, third):
            assert future.exception() is not None
            assert "No space left on device" in str(future.exception())
        writer.mend()
        await writer.commit([entry(4)])

    store = run(body)
    assert store.commits == [([4], None)]
    assert "never" not in store.log


def test_nothing_handed_in_is_nothing_to_wait_for() -> None:
    async def body(writer: Writer, _: FakeStore) -> None:
        async with asyncio.timeout(5):
            await writer.wait_until_written()

    run(body)


def test_a_grown_journal_is_settled_and_the_line_is_finished_before_the_store_is_closed() -> None:
    async def body(writer: Writer, store: FakeStore) -> None:
        store.journal_grown = True
        store.gate.clear()
        writer.commit([entry(1)])

    store = run(body)
    assert store.commits == [([1], None)]
    assert store.log == ["rotate", "settle 3 (1, 2)", "close"]


def test_the_store_of_the_tests_has_what_the_writer_uses() -> None:
    for name in ("commit", "rotate", "settle", "close", "journal_grown"):
        assert hasattr(QueueStore, name)
