"""The command line of `gantry cluster`."""

import argparse

from gantry.options.values import positive, seconds
from impl.paths import DEFAULT_ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their options."""
    root = argparse.ArgumentParser(add_help=False)
    root.add_argument(
        "--root", metavar="DIR", help=f"the cluster's directory (default: $GANTRY_ROOT, else {DEFAULT_ROOT})"
    )
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[root], help=text, description=text)

    init = command("init", "make a cluster from a file in text format")
    init.add_argument(
        "--from", dest="source", metavar="FILE", required=True, help="the nodes and instances (text format)"
    )
    init.add_argument("--name", default="cluster.example", help="the cluster's name (default: %(default)s)")
    init.add_argument(
        "--seconds-per-gib",
        metavar="S",
        type=seconds,
        default=0.0,
        help="how long the embedded driver takes to move a GiB (default: %(default)s)",
    )
    init.add_argument(
        "--max-running-jobs", metavar="N", type=positive, default=20, help="jobs side by side (default: %(default)s)"
    )
    command("start", "start wconfd and luxid")
    command("status", "say what runs, which jobs there are, who holds which lock")
    command("export", "print the configuration as Ganeti's own daemons read it")
    recover = command("recover", "start again from the newest good copy after wconfd's store was damaged")
    recover.add_argument(
        "--from", dest="source", metavar="PATH", help="this copy of the configuration: a file, or a replica's directory"
    )
    recover.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    command("stop", "stop luxid and wconfd; running jobs run on to their end")
