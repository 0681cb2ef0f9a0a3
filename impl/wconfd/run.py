"""A run of wconfd from its options to its end: the log, the pid file, the store, the signals."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

from impl.paths import NoClusterError, Root
from impl.process.environment import UMASK
from impl.process.livelock import LiveLock
from impl.process.pidfile import PidFile
from impl.store.port import Store
from impl.store.sqlite import SqliteStore
from impl.wconfd.daemon import Wconfd
from impl.wconfd.options import Options
from impl.wconfd.startup import start_log, take_in
from spec.errors import GantryError
from spec.locks.names import other

_log = logging.getLogger("wconfd")


async def serve(root: Root, options: Options, open_store: Callable[[str], Store]) -> None:
    """Run the daemon until SIGTERM or SIGINT."""
    store = open_store(root.store)
    state = take_in(root, store, fair=options.fair)
    if state.config.empty:
        store.close()
        raise NoClusterError(root.config)
    livelock = LiveLock.create(root.livelocks, "wconfd")
    me = other("wconfd", livelock.path, os.getpid())
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    daemon = Wconfd(root, store, state, me, options)
    # the state has no cycles: looking for some after every few calls, in all of a big configuration, finds nothing
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    try:
        await daemon.start()
        _log.info("ready, socket %s", root.wconfd_socket)
        await ended.wait()
    finally:
        _log.info("stopping")
        await daemon.stop()
        livelock.release()


def run(options: Options, open_store: Callable[[str], Store] = SqliteStore) -> int:
    """Run the daemon until SIGTERM; returns the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    root = Root(options.root or "")
    try:
        root = Root.of(options.root)
        root.require_cluster()
        os.umask(UMASK)
        root.make_directories()
        with PidFile.take(root, "wconfd"):
            start_log(root, foreground=options.foreground, debug=options.debug)
            asyncio.run(serve(root, options, open_store))
    except GantryError as error:
        sys.stderr.write(f"wconfd: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"wconfd: {error}: check the root directory {root.directory}\n")
        return 1
    return 0
