"""Readers of the command line of `gantry job`: opcodes, jobs from JSON, priorities, ages. Pure."""

import json
import re
from collections.abc import Sequence
from typing import Any

from impl.opcodes import OPCODES
from impl.opcodes.table import Opcode
from spec.errors import GantryError

PRIORITIES = {"low": 10, "normal": 0, "high": -10}
_AGE_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class UsageError(GantryError):
    """An argument is invalid; `argument` is its text."""

    def __init__(self, argument: str, reason: str) -> None:
        self.argument = argument
        super().__init__(f"'{argument}': {reason}")


def read_value(opcode: Opcode, name: str, text: str) -> Any:
    """Read a parameter's value from the command line: JSON if it is valid JSON, else text."""
    known = {parameter.name for parameter in opcode.parameters}
    if name not in known:
        raise UsageError(name, f"{opcode.op_id} has no such parameter; it has {', '.join(sorted(known)) or 'none'}")
    try:
        return json.loads(text)
    except ValueError:
        return text


def opcode_from_words(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Make an opcode from its name and NAME=VALUE words."""
    op_id = name.upper()
    opcode = OPCODES.get(op_id if op_id.startswith("OP_") else f"OP_{op_id}")
    if opcode is None:
        raise UsageError(name, "neither an opcode nor a file")
    op: dict[str, Any] = {"OP_ID": opcode.op_id}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(word, "expected NAME=VALUE")
        op[key] = read_value(opcode, key, value)
    return op


def jobs_from_json(text: str, source: str) -> list[list[dict[str, Any]]]:
    """Read jobs from JSON: an opcode, a list of opcodes (one job), or a list of such lists."""
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
