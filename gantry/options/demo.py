"""The command line of `gantry demo`."""

import argparse

from gantry.options.values import seconds

SECONDS_PER_GIB = 0.02
"""Chosen so that the example's plan takes about twenty seconds: long enough to watch, short enough to wait for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--from", dest="source", metavar="FILE", help="another cluster than the office (text format)")
    parser.add_argument(
        "--seconds-per-gib",
        metavar="S",
        type=seconds,
        default=SECONDS_PER_GIB,
        help="how long moving a GiB takes (default: %(default)s)",
    )
    parser.add_argument("--plain", action="store_true", help="lines instead of a live picture, also on a terminal")
    parser.add_argument("--keep", action="store_true", help="keep the cluster's directory to look at")
