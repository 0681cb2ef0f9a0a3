"""Parameters that every opcode has, and those that several share."""

from typing import Any

import pytest

from impl.opcodes import OPCODES, OpcodeError, common, validate
from impl.opcodes.common import COMMON
from impl.opcodes.table import Parameter, Presence

QUERY: dict[str, Any] = {"OP_ID": "OP_CLUSTER_QUERY", "reason": []}


def test_an_opcode_without_parameters_has_the_common_ones() -> None:
    assert validate(QUERY) == {
        "priority": 0,
        "depends": None,
        "comment": None,
        "reason": [],
        "OP_ID": "OP_CLUSTER_QUERY",
    }
    given = {"dry_run": True, "debug_level": 2, "priority": -10, "depends": [[-1, ["success"]]], "comment": "c"}
    op = validate({**QUERY, **given, "reason": [["a", "b", 3]]})
    assert list(op) == [*(parameter.name for parameter in COMMON), "OP_ID"]
    assert {name: op[name] for name in given} == given


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"priority": 5}, "OpSubmitPriority"),
        ({"debug_level": -1}, "non-negative"),
        ({"dry_run": "x"}, "Unable to read Bool"),
        ({"depends": [[1, ["running"]]]}, "FinalizedJobStatus"),
        ({"reason": [["a"]]}, "Unable to read Triple"),
        ({"dry_run": "x", "comment": 1}, "'dry_run'"),  # the first one in order
    ],
)
def test_what_is_refused_of_any_opcode(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(OpcodeError, match=text):
        validate(QUERY | changes)


def test_no_opcode_repeats_a_common_parameter_or_names_one_twice() -> None:
    for opcode in OPCODES.values():
        names = [parameter.name for parameter in (*COMMON, *opcode.parameters)]
        assert len(set(names)) == len(names), opcode.op_id


def test_shared_parameters_mean_the_same_everywhere() -> None:
    """Where an opcode has a parameter of such a name, it has the type and the default that are shared."""
    shared = [value for value in vars(common).values() if isinstance(value, Parameter)]
    assert len(shared) > 10
    for one in shared:
        users = [p for opcode in OPCODES.values() for p in opcode.parameters if p is one]
        assert users, one.name
    assert (common.SHUTDOWN.default, common.FORCE.default, common.EARLY_RELEASE.default) == (120, False, False)
    assert [p.presence for p in common.INSTANCE] == [Presence.REQUIRED, Presence.OPTIONAL]
