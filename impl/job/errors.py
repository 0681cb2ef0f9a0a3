"""Errors that end an opcode, in the classes that Ganeti's clients know."""

from typing import Any

from spec.errors import GantryError

WRONG_INPUT = "wrong_input"
WRONG_STATE = "wrong_state"
UNKNOWN_ENTITY = "unknown_entity"
ALREADY_EXISTS = "already_exists"
NO_RESOURCES = "insufficient_resources"
TEMPORARILY_NO_RESOURCES = "temp_insufficient_resources"
"""The code for `try again later`: other jobs hold what is needed."""


class OperationError(GantryError):
    """An opcode failed.

    Attributes:
        error_class: the class on the wire.
        arguments: its arguments there, the text first.
    """

    error_class = "OpExecError"

    def __init__(self, text: str, *more: Any) -> None:
        self.arguments: tuple[Any, ...] = (text, *more)
        super().__init__(text)

    def encode(self) -> list[Any]:
        """Encode the error as an opcode's result."""
        return [self.error_class, list(self.arguments)]


class ExecutionError(OperationError):
    """Something went wrong while the opcode ran."""


class PrerequisiteError(OperationError):
    """The opcode asks for what is not possible now; nothing was changed.

    Args:
        text: what stands against it.
        code: one of the codes above.
    """

    error_class = "OpPrereqError"

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text, *([code] if code else []))


class UnknownOpcodeError(OperationError):
    """The opcode is valid, and no unit carries it out."""

    error_class = "OpCodeUnknown"

    def __init__(self, op_id: str) -> None:
        self.op_id = op_id
        super().__init__(f"Gantry does not carry out {op_id} yet; docs/opcodes.md lists what it does")


class CanceledError(GantryError):
    """The job was canceled while it waited for locks."""


def encode_failure(error: BaseException) -> list[Any]:
    """Encode any error as an opcode's result."""
    if isinstance(error, OperationError):
        return error.encode()
    return ["OpExecError", [str(error) or type(error).__name__]]
