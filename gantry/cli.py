"""Dispatch `gantry COMMAND …` by a table; each command has a module for its options and one for its work.

The second is imported only after the command line was read, so that help and usage errors need few imports.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from htools.commandline.streams import is_full, open_missing
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
"""Command name to one line of help; its options are in `gantry.options.NAME`, its work in `gantry.commands.NAME`."""


def _overview() -> str:
    width = max((len(name) for name in COMMANDS), default=0)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())


def _run(words: Sequence[str]) -> int:
    """Answer `--help` and its kin, or run the command that the first word names; the exit code."""
    if not words or words[0] in {"-h", "--help"}:
        print("usage: gantry COMMAND [options]\n\ncommands:")
        print(_overview())
        print("\n'gantry COMMAND --help' explains one, 'gantry --version' prints the version.")
        return 0 if words else 2
    if words[0] in {"-V", "--version"}:
        from spec.version import VERSION

        print(f"gantry {VERSION}")
        return 0
    name = words[0]
    if name not in COMMANDS:
        print(f"gantry: unknown command '{name}'; 'gantry --help' lists them", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog=f"gantry {name}", description=COMMANDS[name])
    importlib.import_module(f"gantry.options.{name}").add_arguments(parser)
    arguments = parser.parse_args(words[1:])
    run: Callable[[argparse.Namespace], int] = importlib.import_module(f"gantry.commands.{name}").run
    return run(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (2 for a usage error, 1 for an error that was explained)."""
    words = list(sys.argv[1:] if argv is None else argv)
    open_missing()
    program = f"gantry {words[0]}" if words and words[0] in COMMANDS else "gantry"
    try:
        code = _run(words)
        sys.stdout.flush()
    except GantryError as error:
        from gantry.errors import message

        print(f"{program}: {message(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        where = f": {error.filename}" if error.filename else ": standard output" if is_full(error) else ""
        print(f"{program}: {error.strerror or error}{where}", file=sys.stderr)
        return 1
    return code
