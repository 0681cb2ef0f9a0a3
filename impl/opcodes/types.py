"""Types of opcode parameters: each reads a JSON value into its normal form or refuses it. Pure.

The texts of refusals are part of the wire's behaviour: clients show them. They name the type as Ganeti does.

Source: Ganeti 3.0.2's opcode parameters; texts observed on the running daemon.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

from impl.bounds import check_value
from impl.limits import (
    MAX_DEPENDENCIES_OF_OPCODE,
    MAX_INTEGER_DIGITS,
    MAX_JOB_ID,
    MAX_SIZE_LENGTH,
    MAX_TEXT_LENGTH,
    LimitError,
)
from spec.errors import GantryError

MAX_DISKS, MAX_NICS = 16, 8
"""Disks and network interfaces of one instance. Source: Ganeti's constants."""


class ValueRefusedError(GantryError):
    """A parameter's value is not of its type; `reason` is the text that the wire carries."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class ParameterType:
    """A type of parameters.

    Attributes:
        name: what it is called in documentation.
        read: the value in normal form; raises `ValueRefusedError`.
    """

    name: str
    read: Callable[[Any], Any]


def _refuse(reason: str) -> ValueRefusedError:
    return ValueRefusedError(reason)


_BEYOND = 10**MAX_INTEGER_DIGITS


def _is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether it is a number within the limits: NaN, infinities and what has more digits are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_BEYOND < value < _BEYOND


def _is_finite(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, float) and math.isfinite(value)


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse("Unable to read Bool")
    return value


def _integer(type_name: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not _is_number(value):
            raise _refuse(f"Unable to read {type_name}")
        return round(value)  # Ganeti rounds half to even as well

    return read


def _double(value: Any) -> float:
    if not _is_number(value) and not _is_finite(value):
        raise _refuse("Unable to read Double")
    return float(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse("Unable to read String")
    if len(value) > MAX_TEXT_LENGTH:
        raise _refuse(f"Unable to read String: longer than {MAX_TEXT_LENGTH} characters")
    return value


def _any(value: Any) -> Any:
    try:
        check_value(value)
    except LimitError as error:
        raise _refuse(str(error)) from None
    return value


def _non_empty(value: Any) -> str:
    text = _string(value)
    if not text:
        raise _refuse("Received empty value for non-empty list")
    return text


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refuse("Unable to read JSObject")
    return value


def _free_object(value: Any) -> dict[str, Any]:
    return _object(_any(value))


_read_int = _integer("Int")


def _non_negative(value: Any) -> int:
    number = _read_int(value)
    if number < 0:
        raise _refuse(f"Invalid value for non-negative type '{number}'")
    return number


def _positive(value: Any) -> int:
    number = _read_int(value)
    if number <= 0:
        raise _refuse(f"Invalid value for positive type '{number}'")
    return number


def _disk_index(value: Any) -> int:
    number = _read_int(value)
    if not 0 <= number < MAX_DISKS:
        raise _refuse(f"Invalid value for disk index '{number}', required between 0 and {MAX_DISKS}")
    return number


ANY = ParameterType("any JSON value", _any)
BOOL = ParameterType("bool", _bool)
INT = ParameterType("integer", _read_int)
DOUBLE = ParameterType("number", _double)
STRING = ParameterType("string", _string)
NON_EMPTY = ParameterType("non-empty string", _non_empty)
NON_NEGATIVE = ParameterType("integer ≥ 0", _non_negative)
POSITIVE = ParameterType("integer ≥ 1", _positive)
OBJECT = ParameterType("object", _free_object)
DISK_INDEX = ParameterType("disk index", _disk_index)


def listing(item: ParameterType) -> ParameterType:
    """Accept lists of `item`."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _refuse("Unable to read list")
        return [item.read(element) for element in value]

    return ParameterType(f"list of {item.name}", read)


def choice(type_name: str, *values: str) -> ParameterType:
    """Accept one of some strings; `type_name` is what Ganeti calls the type in its refusal."""

    def read(value: Any) -> str:
        text = _string(value)
        if text not in values:
            raise _refuse(f'Invalid string value for type {type_name}: "{text}"')
        return text

    return ParameterType("one of " + ", ".join(values), read)


def row(kind: str, *items: ParameterType) -> ParameterType:
    """Accept lists of fixed length, such as pairs (`kind` is "Pair" or "Triple")."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) != len(items):
            raise _refuse(f"Unable to read {kind}")
        return [item.read(element) for item, element in zip(items, value, strict=True)]

    return ParameterType(" and ".join(item.name for item in items), read)


def mapping(item: ParameterType) -> ParameterType:
    """Accept objects whose values are all of one type."""

    def read(value: Any) -> dict[str, Any]:
        return {key: item.read(element) for key, element in _object(value).items()}

    return ParameterType(f"object of {item.name}", read)


_UNITS = {"": 1, "m": 1, "g": 1 << 10, "t": 1 << 20}


def _size(value: Any) -> int:
    if _is_number(value):
        return round(value)
    text = _string(value)
    found = len(text) <= MAX_SIZE_LENGTH and re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([mMgGtT]?)(?:i?[bB])?\s*", text)
    if not found:
        raise _refuse(f"Can't parse string '{text}'")
    size = round(float(found[1]) * _UNITS[found[2].lower()])
    if not _is_number(size):
        raise _refuse(f"Can't parse string '{text}'")
    return size


SIZE = ParameterType("size in MiB, or with a unit such as 10G", _size)


def record(fields: dict[str, ParameterType], rest: bool) -> ParameterType:
    """Accept objects with known optional fields; others are kept (`rest`) or refused.

    Null fields are dropped, as in opcodes themselves.
    """

    def read(value: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, element in _object(value).items():
            if key not in fields:
                if not rest:
                    raise _refuse(f"Unknown key '{key}', only {', '.join(sorted(fields))} can be used here")
                result[key] = _any(element)
            elif element is not None:
                try:
                    result[key] = fields[key].read(element)
                except ValueRefusedError as error:
                    if fields[key] is SIZE:  # Ganeti names the field for all types but sizes
                        raise
                    raise _refuse(f"Can't parse value for '{key}': {error.reason}") from None
        return result

    return ParameterType("object", read)


DISK_ACCESS = choice("DiskAccess", "ro", "rw")
DISK = record(
    {
        "size": SIZE,
        "mode": DISK_ACCESS,
        "adopt": NON_EMPTY,
        "vg": NON_EMPTY,
        "metavg": NON_EMPTY,
        "name": NON_EMPTY,
        "provider": NON_EMPTY,
        "spindles": INT,
        "access": NON_EMPTY,
    },
    rest=True,
)
NIC = record(
    {
        "mac": NON_EMPTY,
        "ip": STRING,
        "mode": NON_EMPTY,
        "link": NON_EMPTY,
        "name": NON_EMPTY,
        "vlan": STRING,
        "bridge": NON_EMPTY,
        "network": NON_EMPTY,
    },
    rest=True,
)
HYPERVISOR = choice("Hypervisor", "kvm", "xen-pvm", "chroot", "xen-hvm", "lxc", "fake")
DISK_TEMPLATE = choice(
    "DiskTemplate", "diskless", "file", "sharedfile", "plain", "blockdev", "drbd", "rbd", "ext", "gluster"
)
REASON_TRAIL = listing(row("Triple", STRING, STRING, ParameterType("integer", _integer("Integer"))))
SUBMIT_PRIORITIES = (10, 0, -10)


def _submit_priority(value: Any) -> int:
    try:
        number = _read_int(value)
    except ValueRefusedError as error:
        raise _refuse(f"Can't parse value for 'OpSubmitPriority': {error.reason}") from None
    if number not in SUBMIT_PRIORITIES:
        raise _refuse(f"Invalid string value for type OpSubmitPriority: {number}")
    return number


SUBMIT_PRIORITY = ParameterType("10 (low), 0 (normal) or -10 (high)", _submit_priority)


def _job_reference(value: Any) -> int:
    number = value
    if isinstance(value, str):
        if len(value) > MAX_INTEGER_DIGITS or not re.fullmatch(r"-?[0-9]+", value):
            raise _refuse(f"Can't parse job ID '{value}'")
        number = int(value)
    found = _integer("JobId")(number)
    if abs(found) > MAX_JOB_ID:
        raise _refuse(f"Can't parse job ID '{value}': beyond {MAX_JOB_ID}")
    return found


_DEPENDENCIES = listing(
    row(
        "Pair",
        ParameterType("job id (negative: relative)", _job_reference),
        listing(choice("FinalizedJobStatus", "canceled", "success", "error")),
    )
)


def _dependencies(value: Any) -> list[Any]:
    if isinstance(value, list) and len(value) > MAX_DEPENDENCIES_OF_OPCODE:
        raise _refuse(f"Unable to read list: more than {MAX_DEPENDENCIES_OF_OPCODE} dependencies")
    found: list[Any] = _DEPENDENCIES.read(value)
    return found


DEPENDENCIES = ParameterType(_DEPENDENCIES.name, _dependencies)
