"""luxid's command line: options, logging, pid file, signals, start and stop."""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from impl.luxid.answers import Call, answer
from impl.luxid.context import Context
from impl.luxid.daemon import Daemon
from impl.luxid.methods import COMMANDS, refuse_command
from impl.luxid.queries import QUERIES
from impl.luxid.server import LuxiServer
from impl.luxid.store import QueueFiles
from impl.paths import Root
from impl.process.claims import PidFile
from impl.process.spawner import DEFAULT_PROGRAM
from spec.errors import GantryError

RESERVED_DESCRIPTORS = 256
"""Descriptors that are not for clients: files, pidfds, hand-overs."""


class Logger:
    """One JSON object a line: the time, what happened, and its facts."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def __call__(self, text: str, **facts: Any) -> None:
        """Write one line."""
        line = json.dumps({"time": f"{time.time():.6f}", "daemon": "luxid", "event": text, **facts}, default=str)
        for stream in self._streams:
            with contextlib.suppress(OSError, ValueError):
                stream.write(line + "\n")
                stream.flush()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="luxid", description="The job queue daemon: serves LUXI, runs jobs.")
    parser.add_argument("--root", help="the cluster's directory (default: $GANTRY_ROOT, else ./.gantry)")
    parser.add_argument("-f", "--foreground", action="store_true", help="also log to standard error")
    parser.add_argument("--query-only", action="store_true", help="answer queries only: no queue, no jobs")
    parser.add_argument("--trace", metavar="FILE", help="write every transition of the queue to FILE (NDJSON)")
    parser.add_argument("--polling-only", action="store_true", help="follow jobs without inotify and pidfds")
    parser.add_argument("--max-waiters", type=int, default=4096, metavar="N", help="waiting clients (default: 4096)")
    parser.add_argument("--job-program", metavar="MODULE:FUNCTION", default=DEFAULT_PROGRAM, help=argparse.SUPPRESS)
    return parser


def _raise_descriptor_limit() -> int:
    """Ask for as many descriptors as are allowed; returns how many clients that makes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft == resource.RLIM_INFINITY or soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(soft, 20_000) - RESERVED_DESCRIPTORS)


async def _serve(root: Root, options: argparse.Namespace, log: Logger) -> None:
    clients = _raise_descriptor_limit()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    context: Context
    daemon: Daemon | None = None
    methods: dict[str, Call]
    if options.query_only:
        context = Context(root, log, QueueFiles(root.queue))
        methods = {name: functools.partial(refuse_command, name) for name in COMMANDS}
        following = asyncio.create_task(context.configuration.follow())
    else:
        context = daemon = Daemon(
            root,
            log,
            options.trace,
            options.job_program,
            polling_only=options.polling_only,
            max_waiters=options.max_waiters,
        )
        methods = {name: functools.partial(handler, daemon) for name, handler in COMMANDS.items()}
        await daemon.start()
        following = asyncio.create_task(asyncio.sleep(0))
    methods |= {name: functools.partial(handler, context) for name, handler in QUERIES.items()}
    server = LuxiServer(root.luxi_socket, lambda payload: answer(payload, methods, log), clients)
    await server.start()
    log("ready", socket=server.path, pid=os.getpid(), clients=clients)
    expiring = asyncio.create_task(server.expire())
    try:
        await stop.wait()
    finally:
        log("stopping")
        for task in (expiring, following):
            task.cancel()
        await server.stop()
        if daemon is not None:
            await daemon.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon until SIGTERM; returns the exit code."""
    options = _options().parse_args(argv)
    root = Root.of(options.root)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # whoever rotates logs or closes a terminal means no harm
    try:
        root.make_directories()
        with open(f"{root.log}/luxid.log", "a", encoding="utf-8") as file:
            log = Logger(file, sys.stderr) if options.foreground else Logger(file)
            try:
                with PidFile.take(root, "luxid"):
                    asyncio.run(_serve(root, options, log))
            except GantryError as error:
                log("cannot run", error=str(error))
                raise
    except GantryError as error:
        sys.stderr.write(f"luxid: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"luxid: cannot run in {root.directory} ({error}): check the directory and its rights\n")
        return 1
    return 0
