"""`gantry refine locks|jobs|store`: a TLA+ module and its executable specification are the same bounded system."""

import argparse
import os
import time

from checkers.refinement.pairs import DIRECTORY, REFINEMENTS, configurations, refine
from checkers.verdict import Illegal, Ok

OK, DIFFERENT, UNKNOWN = 0, 1, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "The bounds are the constants of the configuration; it must set Telling to TRUE. "
        "Exit code: 0 the same, 1 a difference was found (and is shown), 3 a bound was reached."
    )
    parser.add_argument("name", choices=sorted(REFINEMENTS), help="what is compared")
    parser.add_argument("--config", metavar="FILE", help="a configuration of the module (default: all that are short)")
    parser.add_argument("--weekly", action="store_true", help="the configurations that take minutes, too")
    parser.add_argument("--tla", metavar="DIR", default=DIRECTORY, help="where the TLA+ modules are")


def run(arguments: argparse.Namespace) -> int:
    """Compare under each configuration and tell the verdicts."""
    configs = [arguments.config] if arguments.config else configurations(arguments.name, arguments.tla)
    if arguments.weekly and not arguments.config:
        configs += configurations(arguments.name, arguments.tla, weekly=True)
    worst = OK
    for config in configs:
        start = time.monotonic()
        verdict = refine(arguments.name, config, directory=arguments.tla)
        name = os.path.basename(config)
        if isinstance(verdict, Ok):
            print(f"{name}: {verdict.covered} ({time.monotonic() - start:.1f} s)")
        elif isinstance(verdict, Illegal):
            print(f"{name}: {verdict.witness.told()}")
            worst = DIFFERENT
        else:
            print(f"{name}: not known: {verdict.reason}")
            worst = worst or UNKNOWN
    return worst
