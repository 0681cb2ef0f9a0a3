"""Opcodes that try out the queue and the allocator: what is refused and filled in."""

from typing import Any

import pytest

from impl.opcodes import OPCODES, OpcodeError, secrets, summary, validate
from impl.opcodes.common import COMMON
from impl.opcodes.testing import OPCODES as MINE


def added(op_id: str, **given: Any) -> dict[str, Any]:
    """Return what validation adds to an opcode, the common parameters left out."""
    common = {parameter.name for parameter in COMMON}
    op = validate({"OP_ID": op_id, "reason": [], **given})
    return {name: value for name, value in op.items() if name not in {"OP_ID", *common, *given}}


def test_what_is_filled_in() -> None:
    assert added("OP_TEST_DELAY", duration=1) == {
        "on_master": True, "on_nodes": [], "repeat": 0, "interruptible": False, "no_locks": True
    }  # fmt: skip
    assert added("OP_TEST_ALLOCATOR", direction="in", mode="relocate", name="x") == {
        "tags": [], "spindle_use": 1, "count": 1
    }  # fmt: skip
    assert added("OP_TEST_JQUEUE") == {
        "notify_waitlock": False, "notify_exec": False, "log_messages": [], "fail": False
    }  # fmt: skip


@pytest.mark.parametrize("field", ["result", "messages", "fail", "submit_jobs"])
def test_a_dummy_takes_anything_but_needs_everything(field: str) -> None:
    op: dict[str, Any] = {"OP_ID": "OP_TEST_DUMMY", "reason": []}
    op |= {"result": [1], "messages": "x", "fail": 2.5, "submit_jobs": {}}
    assert validate(op)[field] == op[field]
    del op[field]
    with pytest.raises(OpcodeError, match=f"key '{field}' not found"):
        validate(op)


def test_only_one_has_secrets() -> None:
    hidden = [opcode.op_id for opcode in MINE if any(parameter.secret for parameter in opcode.parameters)]
    assert hidden == ["OP_TEST_OS_PARAMS"]
    assert secrets(validate({"OP_ID": "OP_TEST_OS_PARAMS", "reason": []})) is None


def test_summaries() -> None:
    assert summary({"OP_ID": "OP_TEST_ALLOCATOR", "iallocator": "hail"}) == "TEST_ALLOCATOR(hail)"
    assert summary({"OP_ID": "OP_TEST_JQUEUE"}) == "TEST_JQUEUE"
    assert {opcode.op_id for opcode in MINE} <= set(OPCODES)
