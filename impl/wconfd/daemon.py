"""The daemon: the socket, the calls, the deaths, the notifications. The only place with clocks, signals and sockets.

A call is performed at once, in memory; its answer leaves when everything it saw is durable (`batches`).
"""

import asyncio
import logging
import os
import secrets
import signal
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from impl.config.errors import RefusedError
from impl.config.model import Config, changes_between
from impl.limits import MAX_MESSAGE_BYTES
from impl.locks.view import all_pending, holders, in_order_of_arrival
from impl.paths import Root
from impl.process.ground import Ground
from impl.process.listener import Listener
from impl.process.trace import TraceWriter
from impl.store.port import Batch, Store, StoreError
from impl.store.replicas import DirectoryTarget, Entry, Sender
from impl.wconfd.batches import Answer, Batches
from impl.wconfd.connection import RECEIVED_AT_ONCE, Connection, Slot, refusal
from impl.wconfd.core import Call, State, known_owners
from impl.wconfd.deaths import STALE_AGE, Watch, find_dead, remove_file, remove_stale
from impl.wconfd.lock_calls import STATELESS
from impl.wconfd.lock_status import describe, timed_out
from impl.wconfd.method import UNIT, read_arguments
from impl.wconfd.methods import DAEMON_METHODS, DRAWING, METHODS, apply
from impl.wconfd.options import Options
from impl.wconfd.snapshots import Snapshots
from impl.wire.messages import Request, encode_result
from spec.locks.names import LEVEL_NAMES, LockError, Owner

_log = logging.getLogger("wconfd")


class Wconfd:
    """One running wconfd.

    Args:
        root: where everything lies.
        store: durable state.
        state: what the store holds.
        me: the daemon as an owner of locks.
        options: what the command line said.
        ground: what it stands on.
    """

    def __init__(
        self, root: Root, store: Store, state: State, me: Owner, options: Options, ground: Ground | None = None
    ) -> None:
        self.message_limit = MAX_MESSAGE_BYTES
        self.received = memoryview(bytearray(RECEIVED_AT_ONCE))
        self.connections: set[Connection] = set()
        self._root = root
        self._store = store
        self._me = me
        self._options = options
        self._allowed = {0, os.getuid(), *options.allowed_uids}
        self._trace = TraceWriter(options.trace) if options.trace else None
        self._trace_start(state)
        self._batches = Batches(store, state, self._notify, self._committed, self._answered)
        self._unsent: list[Connection] = []
        self._snapshots = Snapshots(root, lambda: self._batches.durable, self._take_in, ground)
        self._watch = Watch(me.livelock, self._process_ended)
        self._senders = [
            Sender(DirectoryTarget(path), lambda: self._batches.durable.config) for path in options.replicas
        ]
        self._replicated = state.config.serial
        self._since: dict[Owner, float] = dict.fromkeys(state.locks.waiting, time.time())
        self._grant_waiters: dict[Owner, list[asyncio.Future[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping = asyncio.Lock()
        self.listener = Listener(root.wconfd_socket, 0o600, lambda: Connection(self))
        self._metrics = None
        if options.metrics:
            from impl.wconfd.metrics import Metrics

            self._metrics = Metrics(options.metrics, self._gauges)

    # -- life

    async def start(self) -> None:
        """Bury the dead, then listen."""
        await self.sweep()
        await self.listener.open()
        self._spawn(self._sweep_periodically())
        self._spawn(self._end_idle_connections())

    async def stop(self) -> None:
        """Take no more calls, write what is left, and let go."""
        self.listener.stop_listening()
        self.listener.remove_name()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self.connections):
            connection.stop_reading()
        await self._batches.close()
        await self._snapshots.close()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.gather(*(asyncio.to_thread(sender.stop) for sender in self._senders))
        self._watch.keep_only(set())
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.close)
        if self._trace is not None:
            self._trace.record("end")
            self._trace.close()
        self._store.close()

    async def save(self) -> None:
        """Write what is durable in Ganeti's formats, now and whole."""
        await self._snapshots.write_now(force=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- calls

    def admits(self, uid: int, gid: int) -> bool:
        """Return whether a client of this user and group may talk to us."""
        return uid in self._allowed or gid in self._options.allowed_gids

    def handle(self, request: Request, slot: Slot) -> None:
        """Serve a request; its answer goes into the slot, now or later."""
        method = request.method
        if self._metrics is not None:
            known = method in METHODS or method in STATELESS or method in DAEMON_METHODS
            self._metrics.requests.labels(method if known else "unknown").inc()
        call = self._new_call(secrets.randbits(128) if method in DRAWING else 0)
        try:
            if method in DAEMON_METHODS:
                arguments = read_arguments(method, DAEMON_METHODS[method], request.args)
                self._spawn(self._serve(method, arguments, slot))
                return
            answer = encode_result(apply(call, method, request.args))
        except RefusedError as error:
            self._refuse(call, slot, refusal(error.error_class, str(error)))
        except LockError as error:
            self._refuse(call, slot, refusal("GenericError", str(error)))
        except Exception:  # noqa: BLE001 - the daemon never dies of a request
            _log.exception("%s failed", method)
            text = f"internal error in {method}: nothing was changed; see the log"
            self._refuse(call, slot, refusal("GenericError", text))
        else:
            if method in STATELESS:
                slot.fill(answer)
            else:
                slot.announce(len(answer))
                self._take(call, slot, answer)

    def _new_call(self, draw: int = 0) -> Call:
        return Call(self._batches.state, time.time(), draw, self._me)

    def _take(self, call: Call, slot: Slot | None, answer: bytes) -> None:
        """Take over what a call changed, and answer once that is durable."""
        lines = self._trace_steps(call)
        for change in call.batch.waiting:
            if change.pending is not None:
                self._since[change.owner] = call.now
        self._batches.take(call, self._answerer(slot, answer, lines), lines)

    def _answerer(self, slot: Slot | None, answer: bytes, lines: Sequence[int]) -> Answer:
        """Return what to do when everything that a call saw is durable, or was undone."""

        def durable(failure: StoreError | None) -> None:
            if failure is None and lines:
                self._trace_replies(lines)
            if slot is not None:
                slot.put(answer if failure is None else _undone(failure))
                self._unsent.append(slot.connection)

        return durable

    def _answered(self) -> None:
        """Send the answers of a batch, in one piece for each connection."""
        for connection in self._unsent:
            connection.flush()
        self._unsent.clear()

    def _refuse(self, call: Call, slot: Slot, answer: bytes) -> None:
        """Refuse a call: nothing of it is kept. The refusal may show changes that are not durable yet."""
        call.steps = [step for step in call.steps if isinstance(step[1], LockError)]
        if self._metrics is not None:
            self._metrics.refused.inc()
        self._batches.when_durable(self._answerer(slot, answer, self._trace_steps(call)))

    async def _serve(self, method: str, arguments: list[Any], slot: Slot) -> None:
        """Serve a method that takes its time."""
        try:
            if method == "cleanupLocks":
                await self.sweep()
                await self._wait_until_durable()  # a death seen before this sweep may still be being written
                slot.fill(encode_result(UNIT))
            elif method in {"flushConfig", "flushConfigGroup"}:
                await self._snapshots.write_now(force=True)
                slot.fill(encode_result(UNIT))
            elif method == "describeLocks":
                slot.fill(encode_result(describe(self._batches.durable.locks, self._since, time.time())))
            else:
                await self._wait_for_grant(arguments[0], arguments[1], slot)
        except StoreError as error:
            slot.fill(_undone(error))
        except Exception:  # noqa: BLE001 - the daemon never dies of a request
            _log.exception("%s failed", method)
            slot.fill(refusal("GenericError", f"internal error in {method}: see the log"))

    async def _wait_until_durable(self) -> None:
        """Wait until what calls see is durable.

        Raises:
            StoreError: it could not be written and was undone.
        """
        done: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()

        def settled(failure: StoreError | None) -> None:
            if not done.done():
                done.set_result(failure)

        self._batches.when_durable(settled)
        failure = await done
        if failure is not None:
            raise failure

    async def _wait_for_grant(self, owner: Owner, limit: float, slot: Slot) -> None:
        """Answer true as soon as the owner's pending request is granted (or there is none); an error on time-out."""
        start = time.monotonic()
        await self._wait_until_durable()
        while owner in self._batches.durable.locks.waiting:
            left = start + limit - time.monotonic()
            if left <= 0 or slot.gone:
                slot.fill(timed_out(self._batches.durable.locks, owner, time.monotonic() - start))
                return
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._grant_waiters.setdefault(owner, []).append(waiter)
            await asyncio.wait([waiter], timeout=min(left, 5.0))
            if not waiter.done():
                self._grant_waiters[owner].remove(waiter)
                if not self._grant_waiters[owner]:
                    del self._grant_waiters[owner]
        slot.fill(encode_result(result=True))

    # -- what follows a batch

    def _committed(self, batch: Batch | None, calls: int, took: float) -> None:
        if batch is None:
            _log.error("a batch of %d calls could not be written and was undone: %s", calls, self._batches.failed)
            if self._metrics is not None:
                self._metrics.failures.inc()
            self._trace_start(self._batches.durable)
            return
        _log.debug("batch: %d calls, %d lock changes, %.1f ms", calls, len(batch.held), took * 1000)
        self._snapshots.note(batch)
        if batch.config and self._senders:
            serial = self._batches.durable.config.serial
            for sender in self._senders:
                sender.put(Entry(self._replicated, serial, batch.config))
            self._replicated = serial
        for held in batch.held:
            self._watch.see(held.owner)
        for change in batch.waiting:
            if change.pending is not None:
                self._watch.see(change.owner)
                continue
            self._since.pop(change.owner, None)
            for waiter in self._grant_waiters.pop(change.owner, ()):
                if not waiter.done():
                    waiter.set_result(None)
        if self._metrics is not None:
            self._metrics.count_batch(batch, calls, took)

    def _notify(self, grants: list[tuple[Owner, int]]) -> None:
        """Send signal 1 to the process of each owner whose request was granted. Signals are hints."""
        for owner, line in grants:
            if self._trace is not None:
                self._trace.record("notify", owner=owner, **{"for": line})
            if not self._watch.signal(owner, signal.SIGHUP):
                _log.info("not notified: %s, whose process %d does not hold its live-lock", owner.ident, owner.pid)

    def _take_in(self, config: Config) -> bool:
        """Take in an administrator's configuration, unless somebody has locked ours."""
        call = self._new_call()
        if call.config_is_locked:
            return False
        if config.serial > call.config.serial:
            _log.warning(
                "%s has serial number %d, newer than our %d: taking it in",
                self._root.config, config.serial, call.config.serial,
            )  # fmt: skip
            call.put_config(config, changes_between(call.config, config))
            self._take(call, None, b"")
        return True

    # -- the trace

    def _trace_start(self, state: State) -> None:
        """Begin a run in the trace: at the start, and after a batch was undone, which counts as a recovery."""
        if self._trace is not None:
            self._traced = 0
            held = [(lock, owner, mode) for owner, mine in holders(state.locks) for lock, mode in mine]
            fair = state.locks.fair
            pending = in_order_of_arrival(state.locks) if fair else all_pending(state.locks)
            self._trace.start({"held": held, "pending": pending, "fair": fair})

    def _trace_steps(self, call: Call) -> Sequence[int]:
        """Write a call's steps into the trace; returns the lines' numbers."""
        if self._trace is None:
            return ()
        return [
            self._trace.step(event, error=str(result))
            if isinstance(result, LockError)
            else self._trace.step(event, result)
            for event, result in call.steps
        ]

    def _trace_replies(self, lines: Sequence[int]) -> None:
        if self._trace is not None:
            for line in lines:
                if line > self._traced:
                    self._traced = line
                    self._trace.record("durable", upto=line)
                self._trace.record("reply", to=line)

    # -- deaths

    async def sweep(self) -> None:
        """Look once for owners that have died, and drop what was theirs."""
        async with self._sweeping:
            owners = known_owners(self._batches.state)
            self._watch.keep_only(owners)
            for owner in owners:
                self._watch.see(owner)
            dead = await asyncio.to_thread(find_dead, sorted(owners), self._me.livelock)
            if dead:
                await self._bury(dead)

    def _process_ended(self, owner: Owner) -> None:
        """Bury an owner whose process has ended while we watched it."""
        if owner in known_owners(self._batches.state):
            self._spawn(self._bury([owner]))

    async def _bury(self, dead: list[Owner]) -> None:
        call = self._new_call()
        for owner in dead:
            _log.info("%s (pid %d) has died: dropping its locks and reservations", owner.ident, owner.pid)
            call.bury(owner)
        if self._metrics is not None:
            self._metrics.deaths.inc(len(dead))
        self._take(call, None, b"")
        try:
            await self._wait_until_durable()
        except StoreError as error:
            _log.error("the dead keep their locks until the next look: %s", error)
            return
        for path in {owner.livelock for owner in dead}:
            remove_file(path, self._root.livelocks)

    async def _sweep_periodically(self) -> None:
        tidied = 0.0
        while True:
            try:
                await self.sweep()
                if time.monotonic() - tidied > STALE_AGE:
                    tidied = time.monotonic()
                    await asyncio.to_thread(remove_stale, self._root.livelocks, self._me.livelock, time.time())
            except Exception:  # noqa: BLE001 - the next look may go well
                _log.exception("looking for dead owners failed")
            await asyncio.sleep(self._options.sweep_interval)

    async def _end_idle_connections(self) -> None:
        options = self._options
        while True:
            await asyncio.sleep(min(1.0, options.message_timeout / 4))
            now = time.monotonic()
            for connection in list(self.connections):
                since = connection.unfinished_since
                if since is not None and not connection.held_back and now - since > options.message_timeout:
                    text = f"a message took longer than {options.message_timeout:g} s"
                    connection.end(refusal("GenericError", text))
                elif not connection.waiting and now - connection.last_message > options.idle_timeout:
                    connection.abort()

    # -- figures

    def _gauges(self) -> dict[str, dict[tuple[str, ...], float]]:
        locks = self._batches.durable.locks
        levels = dict.fromkeys(LEVEL_NAMES.values(), 0.0)
        for waiting in locks.waiting.values():
            if waiting.pending.requests:
                levels[LEVEL_NAMES[waiting.pending.requests[0].lock.level]] += 1
        since = list(self._since.values())
        lags = [(sender.target.name, *sender.lag) for sender in self._senders]
        return {
            "wconfd_waiting_requests": {(level,): count for level, count in levels.items()},
            "wconfd_oldest_wait_seconds": {(): max(0.0, time.time() - min(since)) if since else 0.0},
            "wconfd_held_locks": {(): float(sum(len(mine.locks) for mine in locks.held.values()))},
            "wconfd_connections": {(): float(len(self.connections))},
            "wconfd_watched_processes": {(): float(self._watch.watched)},
            "wconfd_replication_lag_serials": {(name,): float(serials) for name, serials, _ in lags},
            "wconfd_replication_lag_seconds": {(name,): seconds for name, _, seconds in lags},
        }


def _undone(failure: StoreError) -> bytes:
    return refusal("GenericError", str(failure))
