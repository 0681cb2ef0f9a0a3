"""The command line of `gantry conform`."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "The daemon is changed by this: use one that nobody needs. "
        "Exit code: 0 it conforms, 1 it does not, or cannot be reached."
    )
    parser.add_argument("daemon", choices=("luxid", "wconfd"), help="what the daemon claims to be")
    parser.add_argument("--socket", required=True, metavar="PATH", help="the daemon's unix socket")
    parser.add_argument("--ganeti", action="store_true", help="it is Ganeti: accept its known differences")
    parser.add_argument("--seed", type=int, default=1, help="wconfd: where the generated histories begin (default: 1)")
    parser.add_argument("--steps", type=int, default=3000, help="wconfd: how many calls are made (default: 3000)")
    parser.add_argument(
        "--profile",
        choices=("gantry", "gantry-fair", "ganeti-3.0"),
        help="wconfd: what it is held to (default: gantry; with --ganeti: ganeti-3.0)",
    )
    parser.add_argument(
        "--livelocks", metavar="DIR", help="wconfd: its live-locks (default: beside the socket's place)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="also list the checks that hold")
