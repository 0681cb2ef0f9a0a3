"""`gantry conform luxid|wconfd --socket PATH`: check the answers of a running daemon."""

import argparse
import importlib
import os
import sys
from typing import Any

from checkers.conformance.session import Check
from checkers.conformance.session import run as run_scenarios
from checkers.verdict import Ok, Unknown
from impl.wire.client import Client

DRIVERS = {"luxid": "checkers.conformance.luxid"}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."


def _print_check(check: Check, *, ganeti: bool, verbose: bool) -> None:
    if check.holds:
        if verbose:
            print(f"  ok        {check.name}")
        return
    verdict = "known" if ganeti and check.known else "DIFFERS"
    print(f"  {verdict:<9} {check.name}{f': {check.known}' if check.known else ''}")
    print(f"            wanted {_short(check.wanted)}")
    print(f"            got    {_short(check.got)}")


def _run_wconfd(arguments: argparse.Namespace) -> int:
    """Check a wconfd by generated histories."""
    from checkers.conformance.wconfd import conform

    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(arguments.socket))), "livelocks")
    profile = arguments.profile or ("ganeti-3.0" if arguments.ganeti else "gantry")
    verdict = conform(arguments.socket, arguments.livelocks or beside, profile, arguments.seed, arguments.steps)
    if isinstance(verdict, Ok):
        print(f"it conforms: {verdict.covered}")
        return 0
    if isinstance(verdict, Unknown):
        print(f"gantry conform: {verdict.reason}", file=sys.stderr)
        return 1
    print(f"it does not conform to {profile}; the shortest history found:")
    print(verdict.witness.describe())
    return 1


def run(arguments: argparse.Namespace) -> int:
    """Check the daemon and print what differs."""
    if arguments.daemon == "wconfd":
        return _run_wconfd(arguments)
    driver = importlib.import_module(DRIVERS[arguments.daemon])
    Client(arguments.socket).close()  # an unreachable daemon is an error, not a difference
    checks = run_scenarios(arguments.socket, driver.SCENARIOS, driver.KNOWN)
    scenario = ""
    for check in checks:
        if check.scenario != scenario:
            scenario = check.scenario
            held = sum(other.holds for other in checks if other.scenario == scenario)
            print(f"{scenario}: {held} of {sum(other.scenario == scenario for other in checks)} checks hold")
        _print_check(check, ganeti=arguments.ganeti, verbose=arguments.verbose)
    failed = [check for check in checks if not check.holds and not (arguments.ganeti and check.known)]
    print("it conforms" if not failed else f"it does not conform: {len(failed)} checks differ")
    return 1 if failed else 0
