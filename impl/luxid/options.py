"""What luxid's command line says."""

import argparse

from impl.process.spawner import DEFAULT_PROGRAM


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="luxid", description="The job queue daemon: serves LUXI, runs jobs.")
    result.add_argument("--root", help="the cluster's directory (default: $GANTRY_ROOT, else ./.gantry)")
    result.add_argument("-f", "--foreground", action="store_true", help="also log to standard error")
    result.add_argument("--query-only", action="store_true", help="answer queries only: no queue, no jobs")
    result.add_argument("--trace", metavar="FILE", help="write every transition of the queue to FILE (NDJSON)")
    result.add_argument("--polling-only", action="store_true", help="follow jobs without inotify and pidfds")
    result.add_argument("--max-waiters", type=int, default=4096, metavar="N", help="waiting clients (default: 4096)")
    result.add_argument("--job-program", metavar="MODULE:FUNCTION", default=DEFAULT_PROGRAM, help=argparse.SUPPRESS)
    return result
