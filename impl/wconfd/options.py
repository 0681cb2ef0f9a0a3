"""What wconfd's command line says."""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from spec.version import VERSION


class Options(NamedTuple):
    """Settings of one run; times are in seconds.

    Attributes:
        root: the cluster's root directory, or None for the default.
        fair: whether a waiting request blocks conflicting ones that come later and are no more urgent.
        allowed_uids: users that may connect, besides root and the daemon's own.
        allowed_gids: groups that may connect.
        sweep_interval: between two looks for dead owners.
        message_timeout: for a message to arrive completely.
        idle_timeout: for a connection to stay open without a request.
        trace: file for the trace of the lock core, or None.
        metrics: host and port where Prometheus may ask for figures, or None.
        replicas: directories that get copies of the configuration.
        foreground: whether to log to the terminal too.
        debug: whether to log more.
    """

    root: str | None = None
    fair: bool = False
    allowed_uids: tuple[int, ...] = ()
    allowed_gids: tuple[int, ...] = ()
    sweep_interval: float = 0.3
    message_timeout: float = 60.0
    idle_timeout: float = 600.0
    trace: str | None = None
    metrics: tuple[str, int] | None = None
    replicas: tuple[str, ...] = ()
    foreground: bool = False
    debug: bool = False


def _address(text: str) -> tuple[str, int]:
    """Read a host and a port, as `type` of an option; the host is loopback by default."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise argparse.ArgumentTypeError(f"expected [HOST:]PORT, such as 9100, not '{text}'")
    return host or "127.0.0.1", int(port)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="wconfd", description="The daemon of locks and configuration. It stays in the foreground; SIGTERM ends it."
    )
    add = result.add_argument
    add("--root", metavar="DIR", help="the cluster's directory (default: $GANTRY_ROOT, else ./.gantry)")
    add("-f", "--foreground", action="store_true", help="log to the terminal as well as to the log file")
    add("-d", "--debug", action="store_true", help="log every batch and every call that is refused")
    add(
        "--fair",
        action="store_true",
        help="a waiting request blocks conflicting ones that come later and are no more urgent",
    )
    add("--allow-uid", metavar="UID", type=int, action="append", default=[], help="another user that may connect")
    add("--allow-gid", metavar="GID", type=int, action="append", default=[], help="a group that may connect")
    add(
        "--sweep-interval",
        metavar="SECONDS",
        type=float,
        default=0.3,
        help="between two looks for dead owners (default: 0.3)",
    )
    add(
        "--message-timeout",
        metavar="SECONDS",
        type=float,
        default=60.0,
        help="for a message to arrive whole (default: 60)",
    )
    add(
        "--idle-timeout",
        metavar="SECONDS",
        type=float,
        default=600.0,
        help="for a connection without requests (default: 600)",
    )
    add("--trace", metavar="FILE", help="append every step of the lock core, for 'gantry trace locks FILE'")
    add(
        "--metrics",
        metavar="[HOST:]PORT",
        type=_address,
        help="serve figures for Prometheus there (default host: loopback)",
    )
    add("--replica", metavar="DIR", action="append", default=[], help="keep a copy of the configuration in DIR")
    add("-V", "--version", action="version", version=f"wconfd (gantry) {VERSION}")
    return result


def read_options(argv: Sequence[str] | None) -> Options:
    """Read the command line; a usage error ends the program."""
    read = parser().parse_args(argv)
    for name in ("sweep_interval", "message_timeout", "idle_timeout"):
        if not getattr(read, name) > 0:
            parser().error(f"--{name.replace('_', '-')} must be more than 0")
    return Options(
        read.root,
        read.fair,
        tuple(read.allow_uid),
        tuple(read.allow_gid),
        read.sweep_interval,
        read.message_timeout,
        read.idle_timeout,
        read.trace,
        read.metrics,
        tuple(read.replica),
        read.foreground,
        read.debug,
    )
