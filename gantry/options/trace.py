"""The command line of `gantry trace`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "Exit code: 0 the trace is a behaviour of the specification, 1 it is none, or cannot be read."
    parser.add_argument("model", choices=("jobs", "locks"), help="what the trace is of")
    parser.add_argument(
        "file", metavar="FILE", help="what the daemon wrote with --trace FILE; '-' reads standard input"
    )
