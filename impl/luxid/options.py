"""What luxid's command line says."""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from spec.version import VERSION


class Options(NamedTuple):
    """Settings of one run.

    Attributes:
        root: the cluster's root directory, or None for the default.
        foreground: whether to log to standard error too.
        query_only: whether to answer queries only, without a queue and jobs.
        trace: file for the trace of the queue, or None.
        polling_only: whether to follow jobs without inotify and pidfds.
        max_waiters: clients that may wait for changes of jobs at the same time.
        job_program: `module:function` that runs a job, or None for the spawner's default.
    """

    root: str | None = None
    foreground: bool = False
    query_only: bool = False
    trace: str | None = None
    polling_only: bool = False
    max_waiters: int = 4096
    job_program: str | None = None


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="luxid",
        description="The job queue daemon: serves LUXI, runs jobs. It stays in the foreground; SIGTERM ends it.",
    )
    result.add_argument("--root", metavar="DIR", help="the cluster's directory (default: $GANTRY_ROOT, else ./.gantry)")
    result.add_argument(
        "-f", "--foreground", action="store_true", help="log to the terminal as well as to the log file"
    )
    result.add_argument("--query-only", action="store_true", help="answer queries only: no queue, no jobs")
    result.add_argument("--trace", metavar="FILE", help="write every transition of the queue to FILE (NDJSON)")
    result.add_argument("--polling-only", action="store_true", help="follow jobs without inotify and pidfds")
    result.add_argument("--max-waiters", type=int, default=4096, metavar="N", help="waiting clients (default: 4096)")
    result.add_argument("--job-program", metavar="MODULE:FUNCTION", help=argparse.SUPPRESS)
    result.add_argument("-V", "--version", action="version", version=f"luxid (gantry) {VERSION}")
    return result


def read_options(argv: Sequence[str] | None) -> Options:
    """Read the command line; a usage error ends the program."""
    read = parser().parse_args(argv)
    return Options(
        read.root,
        read.foreground,
        read.query_only,
        read.trace,
        read.polling_only,
        read.max_waiters,
        read.job_program,
    )
