"""Readers of the command line of `gantry job`: opcodes, jobs from files and JSON, priorities, ages."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gantry.options.opcodes import NAMES
from spec.errors import GantryError

if TYPE_CHECKING:
    from impl.opcodes.table import Opcode

PRIORITIES = {"low": 10, "normal": 0, "high": -10}
_AGE_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class UsageError(GantryError):
    """An argument is invalid; `argument` is its text."""

    def __init__(self, argument: str, reason: str) -> None:
        self.argument = argument
        super().__init__(f"'{argument}': {reason}")


def read_value(opcode: "Opcode", name: str, text: str) -> Any:
    """Read a parameter's value from the command line: JSON if it is valid JSON, else text."""
    known = {parameter.name for parameter in opcode.parameters}
    if name not in known:
        raise UsageError(name, f"{opcode.op_id} has no such parameter; it has {', '.join(sorted(known)) or 'none'}")
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


def opcode_from_words(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Make an opcode from its name and NAME=VALUE words."""
    short = name.upper().removeprefix("OP_")
    if short not in NAMES:
        raise UsageError(name, "neither an opcode nor a file")
    for word in words:
        if "=" not in word:
            raise UsageError(word, "expected NAME=VALUE")
    op: dict[str, Any] = {"OP_ID": f"OP_{short}"}
    if words:
        from impl.opcodes import OPCODES

        pairs = (word.split("=", 1) for word in words)
        op |= {key: read_value(OPCODES[op["OP_ID"]], key, value) for key, value in pairs}
    return op


def jobs_from_json(text: str, source: str) -> list[list[dict[str, Any]]]:
    """Read jobs from JSON: an opcode, a list of opcodes (one job), or a list of such lists."""
    import json

    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(source, f"is no JSON ({error})") from None
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        value = [value]
    if not (isinstance(value, list) and value and all(isinstance(job, list) for job in value)):
        raise UsageError(source, "holds no opcode, list of opcodes, or list of jobs")
    if not all(isinstance(op, dict) and "OP_ID" in op for job in value for op in job):
        raise UsageError(source, "an opcode is an object with 'OP_ID'")
    return value


def read_priority(text: str) -> int:
    """Read a priority by name or number."""
    if text in PRIORITIES:
        return PRIORITIES[text]
    try:
        number = int(text)
    except ValueError:
        raise UsageError(text, "expected low, normal, high, or a number from -20 to 19") from None
    if not -20 <= number <= 19:
        raise UsageError(text, "a priority lies between -20 (most urgent) and 19")
    return number


def read_age(text: str) -> int:
    """Read seconds from an age such as `12h`; -1, which means any age, from `all`."""
    if text == "all":
        return -1
    found = re.fullmatch(r"([0-9]+)([smhdw]?)", text)
    if not found:
        raise UsageError(text, "expected an age such as 90m, 12h or 7d, or 'all'")
    return int(found[1]) * _AGE_UNITS[found[2]]


def _readable(path: str) -> bool:
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


def read_jobs(what: str, words: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Read the jobs to submit: one of an opcode and its NAME=VALUE words, or those of a file (`-` is standard input).

    Raises:
        UsageError: `what` is neither, or cannot be read.
    """
    looks_like_opcode = re.fullmatch(r"[A-Za-z_]+", what) is not None
    if words or (looks_like_opcode and not _readable(what)):
        return [[opcode_from_words(what, words)]]
    if what == "-":
        return jobs_from_json(sys.stdin.read(), "standard input")
    try:
        with open(what, encoding="utf-8") as file:
            return jobs_from_json(file.read(), what)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(what, f"cannot be read ({getattr(error, 'strerror', None) or error})") from None


def read_arguments(options: argparse.Namespace) -> None:
    """Replace words of the command line by what they mean: `jobs`, and numbers for `priority` and `older`.

    Raises:
        UsageError: one is invalid.
    """
    if options.action == "submit":
        options.jobs = read_jobs(options.what, options.parameters)
    if options.action in {"submit", "priority"}:
        options.priority = read_priority(options.priority)
    if options.action == "archive":
        if bool(options.ids) == bool(options.older):
            raise UsageError("archive", "name jobs, or say --older AGE")
        options.older = read_age(options.older) if options.older else None
