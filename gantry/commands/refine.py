"""`gantry refine locks|jobs|store`: compare a TLA+ module with its executable specification."""

import argparse
import os
import time

from checkers.refinement.pairs import DIRECTORY, configurations, refine
from checkers.verdict import Illegal, Ok

OK, DIFFERENT, UNKNOWN = 0, 1, 3


def run(arguments: argparse.Namespace) -> int:
    """Compare under each configuration and print the verdicts."""
    directory = arguments.tla or DIRECTORY
    configs = [arguments.config] if arguments.config else configurations(arguments.name, directory)
    if arguments.weekly and not arguments.config:
        configs += configurations(arguments.name, directory, weekly=True)
    worst = OK
    for config in configs:
        start = time.monotonic()
        verdict = refine(arguments.name, config, directory=directory)
        name = os.path.basename(config)
        if isinstance(verdict, Ok):
            print(f"{name}: {verdict.covered} ({time.monotonic() - start:.1f} s)")
        elif isinstance(verdict, Illegal):
            print(f"{name}: {verdict.witness.describe()}")
            worst = DIFFERENT
        else:
            print(f"{name}: not known: {verdict.reason}")
            worst = worst or UNKNOWN
    return worst
