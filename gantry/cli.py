"""Dispatch of `gantry COMMAND …`: a table of commands, each in a module of its own, imported only when asked for."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from spec.errors import GantryError

COMMANDS: dict[str, str] = {
    "demo": "watch a cluster balance itself",
    "cluster": "make, start, look at and stop a cluster in a directory",
    "job": "submit, list, follow, cancel jobs, and mind the queue",
    "locks": "show who holds which lock, and who waits for whom",
    "audit": "decide whether a balancing plan is safe",
    "refine": "compare the TLA+ modules with their executable specifications",
    "trace": "validate a daemon's trace against the specification",
    "conform": "compare a running daemon's answers with the wire's description",
    "tla": "check TLA+ specifications, evaluate expressions, parse modules",
}
"""Command name to one line of help; the command lives in `gantry.commands.NAME`."""


class Command(Protocol):
    """What a command module offers."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def _overview() -> str:
    width = max((len(name) for name in COMMANDS), default=0)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (2 for a usage error, 1 for an error that was explained)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in {"-h", "--help"}:
        print("usage: gantry COMMAND [options]\n\ncommands:")
        print(_overview())
        print("\n'gantry COMMAND --help' tells about one of them, 'gantry --version' the version.")
        return 0 if words else 2
    if words[0] in {"-V", "--version"}:
        from htools.version import VERSION

        print(f"gantry {VERSION}")
        return 0
    name = words[0]
    if name not in COMMANDS:
        print(f"gantry: unknown command '{name}'; 'gantry --help' lists them", file=sys.stderr)
        return 2
    module = cast("Command", importlib.import_module(f"gantry.commands.{name}"))
    parser = argparse.ArgumentParser(prog=f"gantry {name}", description=COMMANDS[name])
    module.add_arguments(parser)
    try:
        return module.run(parser.parse_args(words[1:]))
    except GantryError as error:
        print(f"gantry {name}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"gantry {name}: {error.strerror or error}{where}", file=sys.stderr)
        return 1
