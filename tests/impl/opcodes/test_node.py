"""Opcodes on nodes: what is refused, filled in and shown."""

from typing import Any

import pytest

from impl.opcodes import OPCODES, OpcodeError, summary, validate
from impl.opcodes.common import COMMON
from impl.opcodes.node import OPCODES as MINE


def added(op_id: str, **given: Any) -> dict[str, Any]:
    """Return what validation adds to an opcode, the common parameters left out."""
    common = {parameter.name for parameter in COMMON}
    op = validate({"OP_ID": op_id, "reason": [], **given})
    return {name: value for name, value in op.items() if name not in {"OP_ID", *common, *given}}


def test_what_is_filled_in() -> None:
    assert added("OP_OOB_COMMAND", command="health") == {
        "node_names": [], "timeout": 60, "ignore_status": False, "power_delay": 2.0
    }  # fmt: skip
    assert added("OP_NODE_SET_PARAMS", node_name="n") == {"force": False, "auto_promote": False}
    assert added("OP_NODE_EVACUATE", node_name="n", mode="all") == {"early_release": False}
    assert added("OP_NODE_MIGRATE", node_name="n") == {"allow_runtime_changes": True, "ignore_ipolicy": False}
    assert added("OP_NODE_ADD", node_name="n") == {"readd": False, "node_setup": False}


@pytest.mark.parametrize(
    ("op_id", "field", "good", "bad"),
    [
        ("OP_OOB_COMMAND", "command", "power-off", "off"),
        ("OP_NODE_EVACUATE", "mode", "secondary-only", "secondary"),
        ("OP_NODE_MIGRATE", "mode", "non-live", "dead"),
        ("OP_NODE_MODIFY_STORAGE", "storage_type", "lvm-vg", "lvm"),
        ("OP_NODE_SET_PARAMS", "node_name", "n", ""),
    ],
)
def test_choices(op_id: str, field: str, good: str, bad: str) -> None:
    op: dict[str, Any] = {"OP_ID": op_id, "reason": [], "node_name": "n", "mode": "all", "changes": {}}
    names = {parameter.name for parameter in (*COMMON, *OPCODES[op_id].parameters)} | {"OP_ID"}
    op = {name: value for name, value in op.items() if name in names}
    assert (
        validate(op | {"mode": "live"} | {field: good} if op_id == "OP_NODE_MIGRATE" else op | {field: good})[field]
        == good
    )
    with pytest.raises(OpcodeError, match=f"Can't parse value for '{field}'"):
        validate(op | {field: bad})


def test_a_missing_node_comes_before_later_parameters() -> None:
    with pytest.raises(OpcodeError, match="key 'node_name' not found"):
        validate({"OP_ID": "OP_NODE_SET_PARAMS", "reason": [], "offline": "x"})
    with pytest.raises(OpcodeError, match="'early_release'"):
        validate({"OP_ID": "OP_NODE_EVACUATE", "reason": [], "early_release": "x"})


def test_every_opcode_is_in_the_table_and_shows_its_node() -> None:
    for opcode in MINE:
        assert OPCODES[opcode.op_id] is opcode
        names = {parameter.name for parameter in opcode.parameters}
        assert opcode.subject == ("node_name" if "node_name" in names else None)
    assert summary({"OP_ID": "OP_NODE_REMOVE", "node_name": "n1"}) == "NODE_REMOVE(n1)"
