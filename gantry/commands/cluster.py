"""`gantry cluster init|start|status|export|recover|stop`: a cluster in a root directory."""

import argparse
import json
import secrets
import time
from collections import Counter
from typing import Any

from htools.backends import text as text_backend
from impl.luxid.queue_files import QueueFiles
from impl.paths import DEFAULT_ROOT, NoClusterError, Root
from impl.setup.config import Setup, initial_config
from impl.setup.daemons import Daemon, daemons, start_all, stop_all
from impl.setup.export import for_ganeti
from impl.setup.root import create_root
from impl.wconfd.recovery import recover
from impl.wire.client import Client, UnreachableError
from spec.errors import PeerError

_SHOWN = 10
"""Locks and jobs that `status` lists; of further ones it prints the number."""


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    root = Root.of(options.root)
    if options.action == "init":
        return _init(root, options)
    if options.action == "stop":
        stopped = stop_all(root)
        print(f"stopped {' and '.join(stopped)}" if stopped else "nothing runs here")
        return 0
    if options.action == "recover":
        root.require_cluster()
        for line in recover(root, options.source, dry_run=options.dry_run):
            print(line)
        return 0
    if not _has_cluster(root):
        for daemon in daemons(root):
            _print_unnamed(daemon)
        raise NoClusterError(root.config)
    if options.action == "start":
        start_all(root)
        for daemon in daemons(root):
            print(f"{daemon.name} runs, process {daemon.pid()}, socket {daemon.socket}")
        return 0
    if options.action == "export":
        print(json.dumps(for_ganeti(_config(root)), indent=1, sort_keys=True))
        return 0
    return _status(root)


def _config(root: Root) -> Any:
    """Return the configuration: from wconfd if it runs, else from its file."""
    try:
        with Client(root.wconfd_socket) as wconfd:
            return wconfd.call("readConfig")
    except UnreachableError:
        with open(root.config, "rb") as file:
            return json.load(file)


def _has_cluster(root: Root) -> bool:
    try:
        with open(root.config, "rb"):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False


def _init(root: Root, options: argparse.Namespace) -> int:
    cluster = text_backend.load(options.source)
    setup = Setup(
        name=options.name,
        now=time.time(),
        secret=lambda: secrets.token_hex(20),
        seconds_per_gib=options.seconds_per_gib,
        max_running_jobs=options.max_running_jobs,
    )
    create_root(root, initial_config(cluster, setup))
    print(f"made {options.name} in {root.directory}: {len(cluster.nodes)} nodes, {len(cluster.instances)} instances")
    print(f"next: gantry cluster start --root {options.root or DEFAULT_ROOT}")
    return 0


def _status(root: Root) -> int:
    """Print the state of daemons, jobs and locks; return 0 if both daemons answer, else 1."""
    answers = [_print_daemon(daemon) for daemon in daemons(root)]
    if answers[1]:
        with Client(root.luxi_socket) as luxid:
            _print_jobs(luxid)
            _print_unreadable_filters(luxid)
    if answers[0]:
        with Client(root.wconfd_socket) as wconfd:
            _print_locks(wconfd)
    _print_set_aside(root)
    unnamed = [_print_unnamed(daemon) for daemon in daemons(root)]
    return 0 if all(answers) and not any(unnamed) else 1


def _print_set_aside(root: Root) -> None:
    """Print the files of the queue that could not be used; they are read from the disk, so luxid need not run."""
    found = sorted(QueueFiles(root.queue).aside.files().items())
    if found:
        print(f"files   {len(found)} could not be used and were set aside in {root.queue}/aside")
    for name, reason in found[:_SHOWN]:
        print(f"        {name}: {reason}")
    _print_more(len(found))


def _print_daemon(daemon: Daemon) -> bool:
    pid = daemon.pid()
    answers = pid is not None and daemon.accepts()
    state = (
        "does not run" if pid is None else f"process {pid}" if answers else f"process {pid}, but its socket is closed"
    )
    print(f"{daemon.name:<7} {state}")
    print(f"        {daemon.socket}")
    return answers


def _print_unnamed(daemon: Daemon) -> bool:
    """Print the processes of a daemon that no pid file names; return whether there are any."""
    found = daemon.unnamed()
    for pid in found:
        print(f"{daemon.name:<7} process {pid}, which no pid file names: it starts, or its directory was removed or")
        print("        replaced ('gantry cluster stop' ends it)")
    return bool(found)


def _print_jobs(luxid: Client) -> None:
    rows = [row for row in luxid.call("QueryJobs", [], ["id", "status", "summary"]) if row[1] is not None]
    counts = Counter(str(row[1]) for row in rows)
    print(f"jobs    {', '.join(f'{count} {status}' for status, count in sorted(counts.items())) or 'none'}")
    active = [row for row in rows if row[1] in {"running", "waiting", "canceling"}]
    for number, status, summary in active[:_SHOWN]:
        print(f"        {number} {status}: {', '.join(summary or [])}")
    _print_more(len(active))


def _print_unreadable_filters(luxid: Client) -> None:
    try:
        rows = luxid.call("QueryFilters", [], ["uuid", "problem"])
    except PeerError:  # wconfd is away
        return
    for uuid, problem in rows:
        if problem:
            print(f"filter  {uuid} cannot be read, and jobs that it may concern stay queued: {problem}")
            print("        replace or delete it (gnt-filter replace, gnt-filter delete)")


def _print_locks(wconfd: Client) -> None:
    held, pending = wconfd.call("listLocksWaitingStatus")
    rows = [(lock, mode, client) for lock, owners in held for client, mode in owners]
    print(f"locks   {len(rows)} held, {len(pending)} requests waiting")
    for lock, mode, client in rows[:_SHOWN]:
        print(f"        {lock} {mode} by {_owner(client)}")
    _print_more(len(rows))
    for priority, client, request in pending[:_SHOWN]:
        wanted = ", ".join(f"{lock} {mode}" for lock, mode in request)
        print(f"        {_owner(client)} (priority {priority}) waits for {wanted}")
    _print_more(len(pending))


def _owner(client: list[Any]) -> str:
    return f"job {client[0]}" if isinstance(client[0], int) else str(client[0])


def _print_more(count: int) -> None:
    if count > _SHOWN:
        print(f"        and {count - _SHOWN} more")
