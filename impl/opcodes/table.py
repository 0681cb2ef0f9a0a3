"""The form of the opcode table: parameters and opcodes as values. No opcode is described here.

Invariant: the order of an opcode's parameters is the order in which they are read, hence which refusal comes first.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from impl.opcodes.types import NON_EMPTY, ParameterType


class Presence(Enum):
    """What happens when a parameter is missing or null."""

    REQUIRED = "refused"
    DEFAULT = "the default is filled in"
    OPTIONAL = "it stays away"
    NULLABLE = "it is null"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an opcode."""

    name: str
    type: ParameterType
    presence: Presence
    default: Any = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Opcode:
    """One opcode.

    Attributes:
        op_id: its name on the wire, such as `OP_TEST_DELAY`.
        parameters: its own parameters, the common ones left out.
        subject: the parameter that a summary shows in parentheses, or None.
    """

    op_id: str
    parameters: tuple[Parameter, ...]
    subject: str | None = None


def required(name: str, kind: ParameterType) -> Parameter:
    """Make a parameter that must be given."""
    return Parameter(name, kind, Presence.REQUIRED)


def default(name: str, kind: ParameterType, value: Any) -> Parameter:
    """Make a parameter with a default."""
    return Parameter(name, kind, Presence.DEFAULT, value)


def optional(name: str, kind: ParameterType = NON_EMPTY) -> Parameter:
    """Make a parameter that may be left out and then stays out."""
    return Parameter(name, kind, Presence.OPTIONAL)


def nullable(name: str, kind: ParameterType) -> Parameter:
    """Make a parameter that is null when left out."""
    return Parameter(name, kind, Presence.NULLABLE)


def secret(name: str, kind: ParameterType) -> Parameter:
    """Make an optional parameter whose value must never touch the disk."""
    return Parameter(name, kind, Presence.OPTIONAL, secret=True)
