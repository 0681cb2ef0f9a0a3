"""Batches: changes gather while the batch before them is being written; answers wait until their batch is durable.

Invariants:

* `durable` is the state after the last batch that the store confirmed; `state` is what calls see, ahead of it by the
  batch being written and the one that gathers;
* nothing that depends on an unconfirmed change leaves the daemon: no answer, no notification, no snapshot;
* when a batch cannot be written, it and what gathered on top of it are undone, and all their calls are refused.

One batch at a time is written; everything else happens in the event loop. A store that takes its time is written to in
a thread of its own, while the next batch gathers; one that is quicker than handing over to a thread is written to on
the spot. When a batch is closed and its write starts is decided by `batch_timing.Pace`.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence

from impl.store.port import Batch, Store, StoreError
from impl.wconfd.batch_timing import Pace
from impl.wconfd.core import Call, State
from spec.locks.model import Effects, Free
from spec.locks.names import Owner

Answer = Callable[[StoreError | None], None]
"""What to do when a batch is durable (None) or was undone."""


class _Gathering:
    """A batch and the calls that wait for it."""

    __slots__ = ("answers", "batch", "calls", "granted", "state")

    def __init__(self, state: State) -> None:
        self.batch = Batch()
        self.answers: list[Answer] = []
        self.granted: list[tuple[Owner, int]] = []
        self.calls = 0
        self.state = state


class Batches:
    """The durable state, the state that calls see, and what lies between.

    Args:
        store: where batches are written.
        state: what the store holds now.
        notify: called with the owners whose requests were granted, once that is durable, each with its trace line.
        committed: called for each batch before anybody is answered: the batch (None if it was undone), its calls,
            the seconds that it took.
        answered: called when all answers of a batch were given.
    """

    def __init__(
        self,
        store: Store,
        state: State,
        notify: Callable[[list[tuple[Owner, int]]], None],
        committed: Callable[[Batch | None, int, float], None],
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = state
        self.durable = state
        self.failed: StoreError | None = None
        self._store = store
        self._notify = notify
        self._committed = committed
        self._answered = answered
        self._gathering = _Gathering(state)
        self._writing: _Gathering | None = None
        self._scheduled = False
        self._pace = Pace()
        self._moment: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._idle.set()
        self._work: queue.SimpleQueue[_Gathering | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_batches, name="store", daemon=True)
        self._thread.start()

    @property
    def settled(self) -> bool:
        """Whether what calls see is durable."""
        return self._writing is None and not self._gathering.calls

    def take(self, call: Call, answer: Answer, lines: Sequence[int] = ()) -> None:
        """Take over what a call changed; `answer` is called once everything that the call saw is durable.

        Args:
            call: the call.
            answer: what to do then.
            lines: the lines of the trace for the call's steps, one each, if there is a trace.
        """
        gathering = self._gathering
        if call.batch:
            gathering.batch.add(call.batch)
            for place, (event, effects) in enumerate(call.steps):
                if isinstance(event, Free):
                    self._forget(event.owner)
                if isinstance(effects, Effects) and effects.granted:
                    line = lines[place] if lines else 0
                    gathering.granted += [(owner, line) for owner in effects.granted]
            gathering.calls += 1
            gathering.answers.append(answer)
            self.state = gathering.state = call.state
            self._schedule()
        else:
            self.when_durable(answer)

    def _forget(self, owner: Owner) -> None:
        """Do not notify an owner of a grant that it has given up since, or did not live to use."""
        for waiting in (self._gathering, self._writing):
            if waiting is not None and waiting.granted:
                waiting.granted = [grant for grant in waiting.granted if grant[0] != owner]

    def when_durable(self, answer: Answer) -> None:
        """Call `answer` once everything that calls see now is durable (at once, if it is)."""
        if self._gathering.calls:
            self._gathering.answers.append(answer)
        elif self._writing is not None:
            self._writing.answers.append(answer)
        else:
            answer(None)
            self._answered()

    def _schedule(self) -> None:
        self._idle.clear()
        if self._writing is not None:
            return
        if self._moment is not None:
            if self._pace.is_moment_over(self._gathering.calls):
                self._start_writing()
        elif not self._scheduled:
            # not at once: whatever arrived in the same turn of the loop joins the batch
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Start to write, or take another turn: a turn of the loop is over."""
        if self._writing is None and self._pace.another_turn(self._gathering.calls):
            self._loop.call_soon(self._turn)
        else:
            self._scheduled = False
            self._start_writing()

    def _start_writing(self) -> None:
        if self._writing is not None or not self._gathering.calls:
            return
        if self._moment is not None:
            self._moment.cancel()
            self._moment = None
        self._pace.start_batch()
        self._writing = self._gathering
        self._gathering = _Gathering(self.state)
        if self._pace.quick:
            failure, took = self._commit(self._writing.batch)
            self._written(failure, took)
        else:
            self._work.put(self._writing)

    def _commit(self, batch: Batch) -> tuple[StoreError | None, float]:
        start = time.monotonic()
        failure: StoreError | None = None
        try:
            self._store.commit(batch)
        except StoreError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whatever it is: the batch is not durable, and the daemon goes on
            failure = StoreError(repr(error))
        return failure, time.monotonic() - start

    def _write_batches(self) -> None:
        """Write batch after batch in the store's thread, until told to end."""
        while True:
            work = self._work.get()
            if work is None:
                return
            self._loop.call_soon_threadsafe(self._written, *self._commit(work.batch))

    def _written(self, failure: StoreError | None, took: float) -> None:
        done = self._writing
        if done is None:
            return
        self._writing = None
        self.failed = failure
        if failure is None:
            self.durable = done.state
            self._committed(done.batch, done.calls, took)
            for answer in done.answers:
                answer(None)
            if done.granted:
                self._notify(done.granted)
        else:
            undone, self._gathering = self._gathering, _Gathering(self.durable)
            self.state = self.durable
            self._committed(None, done.calls + undone.calls, took)
            for answer in (*done.answers, *undone.answers):
                answer(failure)
        self._answered()
        moment = self._pace.learn_write(took, done.calls, self._gathering.calls)
        if not self._gathering.calls:
            self._idle.set()
        if moment:
            self._moment = self._loop.call_later(moment, self._moment_is_over)
        elif self._gathering.calls:
            self._schedule()

    def _moment_is_over(self) -> None:
        self._moment = None
        if self._gathering.calls:
            self._pace.learn_moment(self._gathering.calls)
            self._start_writing()

    async def drain(self) -> None:
        """Wait until everything is written."""
        await self._idle.wait()

    async def close(self) -> None:
        """Write what is left and end the thread."""
        await self.drain()
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)
