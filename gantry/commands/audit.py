"""`gantry audit`: is a balancing plan safe?"""

import argparse
import sys
from collections.abc import Set as AbstractSet

from checkers.plans.audit import TIMEOUT, audit
from checkers.plans.constraints import Order
from checkers.plans.order import Found, Impossible, find_order
from checkers.plans.prose import RULE_HELP, impossible_text, offence_text, script_text
from checkers.plans.reader import PlanError, read_plan
from checkers.verdict import Illegal, Ok
from gantry.arguments import seconds
from htools.backends import luxi
from htools.backends import text as text_backend
from impl.paths import Root
from spec.allocator.cluster import Cluster
from spec.errors import GantryError
from spec.plans.model import STANDARD_RULES, Plan, Rule

SAFE, UNSAFE, USAGE, UNKNOWN = range(4)

EPILOG = """\
rules:
{rules}

A node that was short before the plan began is not held against the plan,
unless the plan makes it worse.

exit code: 0 safe, 1 unsafe, 2 wrong usage or unreadable input, 3 unknown
"""


class _UnreadableError(GantryError):
    """A file cannot be read; `path` is its name."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"cannot read {path}: {reason}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    width = max(len(rule.value) for rule in Rule)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG.format(rules="\n".join(f"  {r.value:<{width}}  {RULE_HELP[r]}" for r in Rule))
    parser.add_argument("plan", metavar="PLAN", help="what 'hbal -C' printed or wrote, or job sets as JSON; - is stdin")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cluster", metavar="FILE", help="the cluster before the plan, in text format")
    source.add_argument("--live", action="store_true", help="the running cluster, as its luxid tells it")
    parser.add_argument("--root", metavar="DIR", help="with --live: its root (default $GANTRY_ROOT, else ./.gantry)")
    parser.add_argument("--any-order", action="store_true", help="look at every interleaving of the jobs of a set")
    parser.add_argument(
        "--restricted-migration", action="store_true", help="also: migrate only off offline or drained nodes"
    )
    parser.add_argument(
        "--ignore",
        metavar="RULE",
        action="append",
        default=[],
        choices=[rule.value for rule in STANDARD_RULES - {Rule.POSSIBLE}],
        help="leave a rule out (may be given several times)",
    )
    parser.add_argument(
        "--find-order",
        action="store_true",
        help="if unsafe: look for a safe order of the jobs, or say why there is none",
    )
    parser.add_argument("--timeout", metavar="S", type=seconds, default=TIMEOUT, help="seconds to decide (default 60)")


def run(options: argparse.Namespace) -> int:
    """Audit the plan and say the verdict."""
    try:
        cluster = luxi.load(Root.of(options.root).luxi_socket) if options.live else text_backend.load(options.cluster)
        plan = _read(options.plan, cluster)
    except GantryError as error:
        print(f"gantry audit: {error}", file=sys.stderr)
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
