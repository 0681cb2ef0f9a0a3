"""The command line of `gantry audit`."""

import argparse

from gantry.options.values import seconds

RULES = {
    "possible": "every command can be done where it stands",
    "drain": "nothing is moved to an offline or drained node",
    "group": "instances stay in their node group",
    "restricted-migration": "nothing is migrated off a node that is not drained",
    "migration-tags": "migration tags allow every migration",
    "memory": "instances fit the memory of their node",
    "disk": "disks fit the node",
    "cpu": "virtual cores stay within the group's ratio",
    "n+1": "any one node may fail and its instances still fit",
    "exclusion-tags": "instances with the same exclusion tag are kept apart",
}
"""The values of `spec.plans.model.Rule`, and what each requires."""

IGNORABLE = [name for name in RULES if name not in {"possible", "restricted-migration"}]

EPILOG = """\
rules:
{rules}
always kept:
{kept}
only with --restricted-migration:
{added}

A node that was short before the plan began is not held against the plan,
unless the plan makes it worse.

exit code: 0 safe, 1 unsafe, 2 wrong usage or unreadable input, 3 unknown
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    width = max(map(len, RULES))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    lines = {rule: f"  {rule:<{width}}  {text}" for rule, text in RULES.items()}
    parser.epilog = EPILOG.format(
        rules="\n".join(lines[rule] for rule in IGNORABLE), kept=lines["possible"], added=lines["restricted-migration"]
    )
    parser.add_argument("plan", metavar="PLAN", help="what 'hbal -C' printed or wrote, or job sets as JSON; - is stdin")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cluster", metavar="FILE", help="the cluster before the plan, in text format")
    source.add_argument("--live", action="store_true", help="the running cluster, as its luxid reports it")
    parser.add_argument("--root", metavar="DIR", help="with --live: its root (default: $GANTRY_ROOT, else ./.gantry)")
    parser.add_argument("--any-order", action="store_true", help="look at every interleaving of the jobs of a set")
    parser.add_argument(
        "--restricted-migration", action="store_true", help="also: migrate only off offline or drained nodes"
    )
    parser.add_argument(
        "--ignore",
        metavar="RULE",
        action="append",
        default=[],
        choices=IGNORABLE,
        help="leave out a rule of the first list below (may be given several times)",
    )
    parser.add_argument(
        "--find-order",
        action="store_true",
        help="if unsafe: look for a safe order of the jobs, or say why there is none",
    )
    parser.add_argument("--timeout", metavar="S", type=seconds, default=60.0, help="seconds to decide (default: 60)")
