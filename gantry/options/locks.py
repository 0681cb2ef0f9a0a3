"""The command line of `gantry locks`."""

import argparse

from gantry.options.values import seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = "A picture: gantry locks --dot | dot -Tsvg > locks.svg. Ganeti's wconfd can be asked, too."
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--root", metavar="DIR", help="the cluster's directory (default: $GANTRY_ROOT, else ./.gantry)")
    where.add_argument("--socket", metavar="PATH", help="wconfd's socket")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--watch", action="store_true", help="show it again and again, until interrupted")
    how.add_argument("--dot", action="store_true", help="print the wait-for graph for Graphviz")
    how.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--interval", type=seconds, default=1.0, metavar="SECONDS", help="between two looks (default: 1)"
    )
