"""A run of luxid from its options to its end: the log, the pid file, the server, the signals."""

import asyncio
import functools
import os
import signal
import sys

from impl.luxid.connection import LuxiServer
from impl.luxid.context import Context
from impl.luxid.daemon import Daemon
from impl.luxid.dispatch import Call, answer
from impl.luxid.methods import COMMANDS, refuse_command
from impl.luxid.options import Options
from impl.luxid.queries import QUERIES
from impl.luxid.queue_files import QueueFiles
from impl.luxid.startup import Logger, raise_descriptor_limit
from impl.paths import Root
from impl.process.environment import UMASK
from impl.process.ground import ground_of_daemon
from impl.process.keeper import Keeper
from impl.process.pidfile import PidFile
from impl.process.spawner import DEFAULT_PROGRAM
from spec.errors import GantryError


async def serve(root: Root, options: Options, log: Logger, pid_file: PidFile) -> None:
    """Run the daemon until SIGTERM or SIGINT, or until it loses its ground."""
    ground = ground_of_daemon(root)
    clients = raise_descriptor_limit()
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
            options.job_program or DEFAULT_PROGRAM,
            polling_only=options.polling_only,
            max_waiters=options.max_waiters,
            ground=ground,
        )
        methods = {name: functools.partial(handler, daemon) for name, handler in COMMANDS.items()}
        await daemon.start()
        following = asyncio.create_task(asyncio.sleep(0))
    methods |= {name: functools.partial(handler, context) for name, handler in QUERIES.items()}
    server = LuxiServer(root.luxi_socket, lambda payload: answer(payload, methods, log), clients)
    await server.start()
    log("ready", socket=server.path, pid=os.getpid(), clients=clients)
    expiring = asyncio.create_task(server.expire())
    keeping = asyncio.create_task(Keeper(ground, pid_file, server.listener, log).watch())
    try:
        await stop.wait()
    finally:
        log("stopping")
        for task in (expiring, following, keeping):
            task.cancel()
        await server.stop()
        if daemon is not None:
            await daemon.stop()


def run(options: Options) -> int:
    """Run the daemon until SIGTERM; returns the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # sent when logs are rotated or a terminal is closed
    root = Root(options.root or "")
    try:
        root = Root.of(options.root)
        root.require_cluster()
        os.umask(UMASK)
        root.make_directories()
        with open(root.log_file("luxid"), "a", encoding="utf-8") as file:
            log = Logger(file, sys.stderr) if options.foreground else Logger(file)
            try:
                with PidFile.take(root, "luxid") as pid_file:
                    asyncio.run(serve(root, options, log, pid_file))
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
