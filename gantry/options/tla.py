"""The command line of `gantry tla`."""

import argparse

_CHECKED = """exit codes: 0 no error, 10 an assumption is false, 11 deadlock, 12 an invariant is violated,
13 a property is violated, 14 Assert failed, 20 a bound was reached, 75 an expression has no value, 150 the
module cannot be parsed, 151 the configuration does not fit, 255 a worker process died"""
_EVALUATED = "exit codes: 0 the expression has a value, 1 it has none or is wrong, 150 the module cannot be parsed"
_PARSED = "exit codes: 0 syntax and names are right, 150 they are not, or the module cannot be read"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the three verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|eval|parse")

    def command(name: str, text: str, codes: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=text, description=text, epilog=codes)

    verb = command("check", "explore a specification and check its properties", _CHECKED)
    verb.add_argument("spec", metavar="SPEC.tla")
    verb.add_argument("--config", metavar="F.cfg", help="the configuration (default: SPEC.cfg)")
    verb.add_argument("--depth", type=int, metavar="N", help="go no deeper than N states (simulation: 100)")
    verb.add_argument("--dump", nargs=2, metavar=("dot|json", "FILE"), help="write the graph of states")
    verb.add_argument(
        "--workers", type=int, default=1, metavar="N", help="expand large levels with N processes (default: 1)"
    )
    verb.add_argument("--simulate", type=int, metavar="N", help="run N random behaviours instead of all")
    verb.add_argument("--seed", type=int, default=0, metavar="S", help="of the random choices (default: 0)")
    verb.add_argument("--coverage", action="store_true", help="count how often each action was taken")
    verb.add_argument("--no-deadlock", action="store_true", help="do not look for deadlocks")
    verb.add_argument("--continue", action="store_true", dest="keep_going", help="go on after a violation")
    verb.add_argument("--max-states", type=int, metavar="N", help="stop after N distinct states")
    verb.add_argument("--max-memory", type=int, metavar="MIB", help="stop at this much memory")
    verb.add_argument("--json", action="store_true", help="one JSON object instead of text")
    verb = command("eval", "print the value of an expression", _EVALUATED)
    verb.add_argument("expression", nargs="?", metavar="EXPR", help="without one, a prompt")
    verb.add_argument("--module", metavar="F.tla", help="a module whose definitions may be used")
    verb.add_argument("--config", metavar="F.cfg", help="values of the module's constants")
    verb = command("parse", "check the syntax and the names of a module", _PARSED)
    verb.add_argument("spec", metavar="F.tla")
