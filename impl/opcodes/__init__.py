"""The table of opcodes: names, parameters, types, defaults; reading an opcode, and its one-line summary. Pure.

There is no plain twin: the table is compared with that of Ganeti's own library. Nothing here needs to be fast: an
opcode is read once, when it is submitted.

What an opcode *does* lives in `impl.job.units`. `validate` never changes its argument.
"""

import copy
import json
from collections.abc import Iterable
from typing import Any

from impl.opcodes import cluster, instance, node, testing
from impl.opcodes.common import COMMON
from impl.opcodes.table import Opcode, Parameter, Presence
from impl.opcodes.types import ValueRefusedError
from spec.errors import GantryError

OPCODES: dict[str, Opcode] = {
    opcode.op_id: opcode
    for table in (cluster.OPCODES, node.OPCODES, instance.OPCODES, testing.OPCODES)
    for opcode in table
}
"""Every opcode by its name on the wire."""


TAG_KINDS = {
    "cluster": "TagKindCluster", "instance": "TagKindInstance", "network": "TagKindNetwork", "node": "TagKindNode",
    "nodegroup": "TagKindGroup",
}  # fmt: skip
"""What Ganeti's summaries call the kinds of tagged things."""


class OpcodeError(GantryError):
    """An opcode is not valid; `reason` is the text that Ganeti answers after `SubmitJob: `."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def _strings(values: Iterable[str]) -> str:
    """Write a list of strings as Ganeti prints it: no blanks, other than ASCII escaped as decimals."""

    def quoted(text: str) -> str:
        plain = json.dumps(text, ensure_ascii=False)
        return "".join(sign if sign.isascii() else f"\\{ord(sign)}" for sign in plain)

    return "[" + ",".join(map(quoted, values)) + "]"


def _read(parameter: Parameter, op: dict[str, Any], result: dict[str, Any]) -> None:
    value = op.get(parameter.name)
    if value is None:
        if parameter.presence is Presence.REQUIRED:
            if parameter.name not in op:
                raise OpcodeError(f"key '{parameter.name}' not found, object contains only {_strings(op)}")
        elif parameter.presence is Presence.OPTIONAL:
            return
        else:
            result[parameter.name] = copy.deepcopy(parameter.default)
            return
    try:
        result[parameter.name] = parameter.type.read(value)
    except ValueRefusedError as error:
        raise OpcodeError(f"Can't parse value for '{parameter.name}': {error.reason}") from None


def validate(op: Any) -> dict[str, Any]:
    """Return an opcode in normal form: checked, defaults filled in, in the table's order.

    Args:
        op: the decoded JSON object, with `OP_ID`.

    Raises:
        OpcodeError: unknown opcode, missing, unknown or ill-typed parameter.
    """
    if not isinstance(op, dict):
        raise OpcodeError("Unable to read JSObject")
    result: dict[str, Any] = {}
    for parameter in COMMON:
        _read(parameter, op, result)
    if "OP_ID" not in op:
        raise OpcodeError(f"key 'OP_ID' not found, object contains only {_strings(op)}")
    op_id = op["OP_ID"]
    if not isinstance(op_id, str):
        raise OpcodeError("key 'OP_ID': Unable to read String")
    opcode = OPCODES.get(op_id)
    if opcode is None:
        raise OpcodeError(f"Unknown opcode {op_id}")
    result["OP_ID"] = op_id
    for parameter in opcode.parameters:
        _read(parameter, op, result)
    known = {"OP_ID", *(parameter.name for parameter in (*COMMON, *opcode.parameters))}
    unknown = sorted(set(op) - known)
    if unknown:
        raise OpcodeError(
            f"Superfluous dictionary keys: {_strings(unknown)}, but only {_strings(sorted(known))} allowed."
        )
    return result


def secrets(op: dict[str, Any]) -> dict[str, Any] | None:
    """Return the secret parameters of a valid opcode; None if it has none."""
    names = [parameter.name for parameter in OPCODES[op["OP_ID"]].parameters if parameter.secret]
    found = {name: op[name] for name in names if name in op}
    return found or None


def without_secrets(op: dict[str, Any]) -> dict[str, Any]:
    """Return the opcode as it may be written to disk."""
    hidden = secrets(op) or {}
    return {name: value for name, value in op.items() if name not in hidden}


def _number(value: float) -> str:
    """Write a number as Ganeti prints it in summaries: from 0.1 up to ten million plain, else with an exponent."""
    if value == 0 or 0.1 <= abs(value) < 1e7:
        return repr(float(value)) if "e" not in repr(float(value)) else f"{value:.1f}"
    digits, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        digits, _, exponent = f"{value:.17e}".partition("e")
        digits = _shortest(value, int(exponent))
    if "." not in digits:
        digits += ".0"
    return f"{digits}e{int(exponent)}"


def _shortest(value: float, exponent: int) -> str:
    """Return the shortest digits d so that d × 10^exponent reads back as `value`."""
    for precision in range(1, 18):
        text = f"{value:.{precision}e}"
        if float(text) == value and int(text.partition("e")[2]) == exponent:
            return text.partition("e")[0]
    return f"{value:.17e}".partition("e")[0]


def summary(op: dict[str, Any]) -> str:
    """Summarise an opcode in one line, such as `INSTANCE_MIGRATE(web1)`."""
    op_id = str(op.get("OP_ID", "OP_UNKNOWN"))
    name = op_id.removeprefix("OP_")
    opcode = OPCODES.get(op_id)
    if opcode is None or opcode.subject is None:
        return name
    value = op.get(opcode.subject)
    if opcode.subject == "kind" and isinstance(value, str):
        return f"{name}({TAG_KINDS.get(value, value)})"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{name}({_number(value)})"
    return f"{name}({value})"
