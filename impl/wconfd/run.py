"""A run of wconfd from its options to its end: the log, the pid file, the store, the signals."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

from impl.paths import NoClusterError, Root
from impl.process.environment import UMASK
from impl.process.ground import Ground, ground_of_daemon
from impl.process.keeper import EXIT_CODE, Keeper
from impl.process.livelock import LiveLock
from impl.process.pidfile import PidFile
from impl.store.port import Store, StoreDamagedError
from impl.store.sqlite import SqliteStore
from impl.wconfd.copies import DamagedStateError, newest_copy
from impl.wconfd.daemon import Wconfd
from impl.wconfd.grounded import GroundedStore
from impl.wconfd.options import Options
from impl.wconfd.startup import start_log, take_in
from spec.errors import GantryError
from spec.locks.names import other

_log = logging.getLogger("wconfd")


async def serve(root: Root, options: Options, open_store: Callable[[str], Store], pid_file: PidFile) -> int:
    """Run the daemon until SIGTERM or SIGINT, or until it loses its ground; returns the exit code."""
    ground = ground_of_daemon(root)
    try:
        opened = open_store(root.store)
        files = Ground((root.store, f"{root.store}-wal"))
        store = GroundedStore(opened, (ground, files))
        state = take_in(root, store, fair=options.fair, replicas=options.replicas)
    except StoreDamagedError as error:
        raise DamagedStateError(error.path, error.reason, newest_copy(root, options.replicas, error.saved)) from error
    if state.config.empty:
        store.close()
        raise NoClusterError(root.config)
    livelock = LiveLock.create(root.livelocks, "wconfd")
    me = other("wconfd", livelock.path, os.getpid())
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    daemon = Wconfd(root, store, state, me, options, ground)
    saved = False

    async def save() -> None:
        nonlocal saved
        saved = True
        await daemon.save()
        if ground.loss() is None:
            _forget_lost_store(root)
        ended.set()

    keeper = Keeper(ground, pid_file, daemon.listener, _log.error, save, files)
    # the state has no cycles: looking for some after every few calls, in all of a big configuration, finds nothing
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    try:
        await daemon.start()
        _log.info("ready, socket %s", root.wconfd_socket)
        keeping = asyncio.create_task(keeper.watch())
        await ended.wait()
        keeping.cancel()
    finally:
        _log.info("stopping")
        await daemon.stop()
        livelock.release()
    return EXIT_CODE if saved else 0


def _forget_lost_store(root: Root) -> None:
    """Remove the count of what was acknowledged if the store is gone: all of it is in the files that were saved."""
    if not os.path.exists(root.store):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{root.store}-acknowledged")


def run(options: Options, open_store: Callable[[str], Store] = SqliteStore) -> int:
    """Run the daemon until SIGTERM; returns the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    root = Root(options.root or "")
    try:
        root = Root.of(options.root)
        root.require_cluster()
        os.umask(UMASK)
        root.make_directories()
        with PidFile.take(root, "wconfd") as pid_file:
            start_log(root, foreground=options.foreground, debug=options.debug)
            return asyncio.run(serve(root, options, open_store, pid_file))
    except GantryError as error:
        sys.stderr.write(f"wconfd: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"wconfd: {error}: check the root directory {root.directory}\n")
        return 1
