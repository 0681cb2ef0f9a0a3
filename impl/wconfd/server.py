"""The daemon: the socket, the calls, the deaths, the notifications. The only place with clocks, signals and sockets."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import time
from typing import Any

from impl.config.errors import RefusedError
from impl.locks.core import waiting_on
from impl.locks.view import all_pending
from impl.paths import Root
from impl.store.port import Batch, Store, StoreError
from impl.wconfd.batches import Batches
from impl.wconfd.connection import Connection, Slot, refusal
from impl.wconfd.core import Call, State, known_owners
from impl.wconfd.deaths import find_dead, remove_file
from impl.wconfd.methods import DAEMON_METHODS, STATELESS, UNIT, apply, read_arguments
from impl.wconfd.options import Options
from impl.wconfd.snapshots import Snapshots
from impl.wire import wconfd as codec
from impl.wire.framing import DEFAULT_LIMIT
from impl.wire.messages import Request, encode_result
from spec.locks.errors import LockError
from spec.locks.names import MODE_NAMES, Owner, lock_name

_log = logging.getLogger("wconfd")


class Wconfd:
    """One running wconfd.

    Args:
        root: where everything lies.
        store: durable state.
        state: what the store holds.
        me: the daemon as an owner of locks.
        options: what the command line said.
    """

    def __init__(self, root: Root, store: Store, state: State, me: Owner, options: Options) -> None:
        self.message_limit = DEFAULT_LIMIT
        self.connections: set[Connection] = set()
        self._root = root
        self._store = store
        self._me = me
        self._options = options
        self._batches = Batches(store, state, self._notify, self._committed)
        self._snapshots = Snapshots(root, lambda: self._batches.durable)
        self._since: dict[Owner, float] = dict.fromkeys(state.locks.waiting, time.time())
        self._grant_waiters: dict[Owner, list[asyncio.Future[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping = asyncio.Lock()
        self._server: asyncio.Server | None = None
        self._allowed = {0, os.getuid(), *options.allowed_uids}

    # -- life

    async def start(self) -> None:
        """Bury the dead, then listen."""
        await self.sweep()
        path = self._root.wconfd_socket
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.get_running_loop().create_unix_server(
                lambda: Connection(self), path, backlog=1024
            )
        finally:
            os.umask(mask)
        self._spawn(self._sweep_periodically())
        self._spawn(self._end_idle_connections())

    async def stop(self) -> None:
        """Take no more calls, write what is left, and let go."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._root.wconfd_socket)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._batches.close()
        await self._snapshots.close()
        for connection in list(self.connections):
            connection.abort()
        self._store.close()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- calls

    def admits(self, uid: int, gid: int) -> bool:
        """Whether a peer of this user and group may talk to us."""
        return uid in self._allowed or gid in self._options.allowed_gids

    def handle(self, request: Request, slot: Slot) -> None:
        """Serve a request; its answer goes into the slot, now or later."""
        try:
            if request.method in DAEMON_METHODS:
                arguments = read_arguments(request.method, DAEMON_METHODS[request.method], request.args)
                self._spawn(self._serve(request.method, arguments, slot))
                return
            call, result = apply(
                self._batches.state, request.method, request.args, time.time(), secrets.randbits(128), self._me
            )
            answer = encode_result(result)
        except RefusedError as error:
            self._answer_when_durable(slot, refusal(error.error_class, str(error)))
        except LockError as error:
            self._answer_when_durable(slot, refusal("GenericError", str(error)))
        except Exception:  # noqa: BLE001 - the daemon never dies of a request
            _log.exception("%s failed", request.method)
            text = f"internal error in {request.method}: nothing was changed; the log tells more"
            self._answer_when_durable(slot, refusal("GenericError", text))
        else:
            if request.method in STATELESS:
                slot.fill(answer)
            else:
                self._take(call, lambda failure: slot.fill(answer if failure is None else _undone(failure)))

    def _take(self, call: Call, answer: Any) -> None:
        if call.batch.waiting:
            now = time.time()
            for change in call.batch.waiting:
                if change.pending is not None:
                    self._since[change.owner] = now
        self._batches.take(call, answer)

    def _answer_when_durable(self, slot: Slot, answer: bytes) -> None:
        # a refusal may tell of a change that is not durable yet
        self._batches.when_durable(lambda failure: slot.fill(answer if failure is None else _undone(failure)))

    async def _serve(self, method: str, arguments: list[Any], slot: Slot) -> None:
        try:
            if method == "cleanupLocks":
                await self.sweep()
                slot.fill(encode_result(UNIT))
            elif method in {"flushConfig", "flushConfigGroup"}:
                await self._snapshots.write_now(force=True)
                slot.fill(encode_result(UNIT))
            elif method == "describeLocks":
                slot.fill(encode_result(self.describe()))
            else:
                await self._wait_for_grant(arguments[0], arguments[1], slot)
        except StoreError as error:
            slot.fill(_undone(error))
        except Exception:  # noqa: BLE001 - the daemon never dies of a request
            _log.exception("%s failed", method)
            slot.fill(refusal("GenericError", f"internal error in {method}: the log tells more"))

    async def _settled(self) -> None:
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
        await self._settled()
        while owner in self._batches.durable.locks.waiting:
            left = start + limit - time.monotonic()
            if left <= 0:
                slot.fill(self._timed_out(owner, time.monotonic() - start))
                return
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._grant_waiters.setdefault(owner, []).append(waiter)
            await asyncio.wait([waiter], timeout=left)
            if not waiter.done():
                self._grant_waiters[owner].remove(waiter)
                if not self._grant_waiters[owner]:
                    del self._grant_waiters[owner]
        slot.fill(encode_result(result=True))

    def _timed_out(self, owner: Owner, waited: float) -> bytes:
        locks = self._batches.durable.locks
        requests = locks.waiting[owner].pending.requests
        blockers = waiting_on(locks).get(owner, ())
        wanted = ", ".join(f"{lock_name(lock)} ({MODE_NAMES[mode]})" for lock, mode in requests)
        theirs = ", ".join(str(blocker.ident) for blocker in blockers)
        text = f"waited {waited:.1f} s for {wanted}, held or claimed by {theirs}: the request stays pending"
        details = {
            "waited": waited,
            "locks": codec.locks_json((lock, mode) for lock, mode in requests),
            "owners": [codec.owner_json(blocker) for blocker in blockers],
        }
        return refusal("LockTimeoutError", text, details)

    def describe(self) -> dict[str, Any]:
        """Who holds what, who waits for whom and since when, as JSON."""
        locks, now = self._batches.durable.locks, time.time()
        graph = waiting_on(locks)
        return {
            "held": codec.owners_json(locks),
            "waiting": [
                {
                    "owner": codec.owner_json(pending.owner),
                    "priority": pending.priority,
                    "requests": codec.locks_json(pending.requests),
                    "blockers": [codec.owner_json(blocker) for blocker in graph[pending.owner]],
                    "waited": max(0.0, now - self._since.get(pending.owner, now)),
                }
                for pending in all_pending(locks)
            ],
            "fair": locks.fair,
        }

    # -- what follows a durable batch

    def _committed(self, _number: int, batch: Batch, _calls: int, _took: float) -> None:
        self._snapshots.note(batch)
        for change in batch.waiting:
            if change.pending is None:
                self._since.pop(change.owner, None)
                for waiter in self._grant_waiters.pop(change.owner, ()):
                    if not waiter.done():
                        waiter.set_result(None)

    def _notify(self, owners: list[Owner]) -> None:
        """Tell each owner whose request was granted: signal 1 to its process. Signals are hints."""
        for owner in owners:
            if owner.pid > 1 and owner.pid != self._me.pid:
                try:
                    os.kill(owner.pid, signal.SIGHUP)
                except (OSError, OverflowError) as error:
                    _log.info("cannot notify %s (pid %d): %s", owner.ident, owner.pid, error)

    # -- deaths

    async def sweep(self) -> None:
        """Look once for owners that have died, and drop what was theirs."""
        async with self._sweeping:
            owners = known_owners(self._batches.state)
            dead = await asyncio.to_thread(find_dead, owners, self._me.livelock)
            if not dead:
                return
            call = Call(self._batches.state, time.time(), 0, self._me)
            for owner in dead:
                _log.info("%s (pid %d) has died: dropping its locks and reservations", owner.ident, owner.pid)
                call.bury(owner)
            self._take(call, lambda _failure: None)
            try:
                await self._settled()
            except StoreError as error:
                _log.error("the dead keep their locks for now: %s", error)
                return
            for path in {owner.livelock for owner in dead}:
                remove_file(path, self._root.livelocks)

    async def _sweep_periodically(self) -> None:
        while True:
            await asyncio.sleep(self._options.sweep_interval)
            try:
                await self.sweep()
            except Exception:  # noqa: BLE001 - the next look may go well
                _log.exception("looking for dead owners failed")

    async def _end_idle_connections(self) -> None:
        options = self._options
        while True:
            await asyncio.sleep(min(1.0, options.message_timeout / 4))
            now = time.monotonic()
            for connection in list(self.connections):
                since = connection.unfinished_since
                if since is not None and now - since > options.message_timeout:
                    text = f"a message took longer than {options.message_timeout:g} s"
                    connection.end(refusal("GenericError", text))
                elif not connection.waiting and now - connection.last_message > options.idle_timeout:
                    connection.abort()


def _undone(failure: StoreError) -> bytes:
    return refusal("GenericError", str(failure))
