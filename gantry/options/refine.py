"""The command line of `gantry refine`."""

import argparse

NAMES = ("jobs", "locks", "store")
"""The keys of `checkers.refinement.pairs.REFINEMENTS`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "The bounds are the constants of the configuration; it must set KeepLabels to TRUE. "
        "Exit code: 0 the same, 1 a difference was found (and is shown), 3 a bound was reached."
    )
    parser.add_argument("name", choices=NAMES, help="what is compared")
    parser.add_argument("--config", metavar="FILE", help="a configuration of the module (default: all that are short)")
    parser.add_argument("--weekly", action="store_true", help="the configurations that take minutes, too")
    parser.add_argument("--tla", metavar="DIR", help="where the TLA+ modules are")
