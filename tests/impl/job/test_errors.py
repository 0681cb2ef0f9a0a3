"""Errors that end an opcode, as its result on the wire."""

import pytest

from impl.job.errors import (
    UNKNOWN_ENTITY,
    ExecutionError,
    OperationError,
    PrerequisiteError,
    UnknownOpcodeError,
    encode_failure,
)


@pytest.mark.parametrize(
    ("error", "encoded"),
    [
        (OperationError("text", 3), ["OpExecError", ["text", 3]]),
        (ExecutionError("text"), ["OpExecError", ["text"]]),
        (PrerequisiteError("text"), ["OpPrereqError", ["text"]]),
        (PrerequisiteError("text", UNKNOWN_ENTITY), ["OpPrereqError", ["text", "unknown_entity"]]),
    ],
)
def test_class_and_arguments(error: OperationError, encoded: list[object]) -> None:
    assert error.encode() == encode_failure(error) == encoded
    assert str(error) == "text"


def test_an_opcode_that_is_not_carried_out_is_named() -> None:
    error = UnknownOpcodeError("OP_X")
    assert (error.op_id, error.encode()[0]) == ("OP_X", "OpCodeUnknown")
    assert "OP_X" in error.encode()[1][0]


@pytest.mark.parametrize(("error", "text"), [(ValueError("bad"), "bad"), (KeyError(), "KeyError")])
def test_any_other_error_has_its_text_or_its_name(error: Exception, text: str) -> None:
    assert encode_failure(error) == ["OpExecError", [text]]
