"""`gantry audit`: check whether a balancing plan is safe."""

import argparse
import sys
from collections.abc import Set as AbstractSet

from checkers.plans.audit import audit
from checkers.plans.constraints import Order
from checkers.plans.order import Found, Impossible, find_order
from checkers.plans.prose import impossible_text, offence_text, script_text
from checkers.plans.reader import PlanError, read_plan
from checkers.verdict import Illegal, Ok
from gantry.errors import message
from htools.backends import luxi
from htools.backends import text as text_backend
from spec.allocator.cluster import Cluster
from spec.errors import GantryError
from spec.plans.model import STANDARD_RULES, Plan, Rule

SAFE, UNSAFE, USAGE, UNKNOWN = range(4)


class _UnreadableError(GantryError):
    """A file cannot be read; `path` is its name."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"cannot read {path}: {reason}")


def run(options: argparse.Namespace) -> int:
    """Audit the plan and print the verdict."""
    try:
        cluster = luxi.load("", options.root) if options.live else text_backend.load(options.cluster)
        plan = _read(options.plan, cluster)
    except GantryError as error:
        print(f"gantry audit: {message(error)}", file=sys.stderr)
        return USAGE
    rules = STANDARD_RULES - {Rule(name) for name in options.ignore}
    if options.restricted_migration:
        rules |= {Rule.RESTRICTED_MIGRATION}
    order = Order.ANY if options.any_order else Order.WRITTEN
    verdict = audit(cluster, plan, rules, order, options.timeout)
    if isinstance(verdict, Ok):
        print(f"safe: {verdict.covered}")
        print(f"  kept: {', '.join(rule.value for rule in Rule if rule in rules)}")
        return SAFE
    if isinstance(verdict, Illegal):
        print(f"unsafe: {offence_text(cluster, plan, verdict.witness)}")
        if options.find_order:
            _find_order(cluster, plan, rules, options.timeout)
        return UNSAFE
    print(f"unknown: {verdict.reason}")
    return UNKNOWN


def _find_order(cluster: Cluster, plan: Plan, rules: AbstractSet[Rule], timeout: float) -> None:
    """Print a safe order of the jobs, or why there is none."""
    print()
    answer = find_order(cluster, plan, rules, timeout)
    if isinstance(answer, Found):
        print("the same jobs are safe in this order, one after the other:")
        print(script_text(cluster, answer.plan))
    elif isinstance(answer, Impossible):
        print(impossible_text(cluster, plan, answer))
    else:
        print(f"whether another order is safe is unknown: {answer.reason}")


def _read(path: str, cluster: Cluster) -> Plan:
    if path == "-":
        return read_plan(sys.stdin.read(), cluster)
    try:
        with open(path, encoding="utf-8") as file:
            content = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _UnreadableError(path, reason) from None
    try:
        return read_plan(content, cluster)
    except PlanError as error:
        raise PlanError(f"{path}, {error.where}" if error.where else path, error.reason) from None
