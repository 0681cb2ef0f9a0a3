"""Opcodes on the cluster, groups, networks and tags: what is refused, filled in and shown."""

from typing import Any

import pytest

from impl.opcodes import OPCODES, OpcodeError, summary, validate
from impl.opcodes.cluster import OPCODES as MINE
from impl.opcodes.common import COMMON

SET: dict[str, Any] = {"OP_ID": "OP_CLUSTER_SET_PARAMS", "reason": []}

# Each refusal was observed on luxid of Ganeti 3.0.2.
REFUSALS: list[tuple[Any, str]] = [
    (SET | {"max_running_jobs": 0}, "Can't parse value for 'max_running_jobs': Invalid value for positive type '0'"),
    (
        SET | {"enabled_hypervisors": ["kvm", "q"]},
        "Can't parse value for 'enabled_hypervisors': Invalid string value for type Hypervisor: \"q\"",
    ),
]


@pytest.mark.parametrize(("op", "text"), REFUSALS)
def test_refusals_read_as_those_of_ganeti(op: Any, text: str) -> None:
    with pytest.raises(OpcodeError) as caught:
        validate(op)
    assert caught.value.reason == text


def added(op_id: str, **given: Any) -> dict[str, Any]:
    """Return what validation adds to an opcode, the common parameters left out."""
    common = {parameter.name for parameter in COMMON}
    op = validate({"OP_ID": op_id, "reason": [], **given})
    return {name: value for name, value in op.items() if name not in {"OP_ID", *common, *given}}


@pytest.mark.parametrize("field", ["candidate_pool_size", "max_running_jobs", "max_tracked_jobs"])
def test_sizes_of_the_queue_and_the_pool_are_positive(field: str) -> None:
    assert validate(SET | {field: 1})[field] == 1
    with pytest.raises(OpcodeError, match="Invalid value for positive type"):
        validate(SET | {field: 0})


@pytest.mark.parametrize("code", ["ECLUSTERCERT", "EINSTANCEDOWN", "ENODEN1", "EEXTAGS"])
def test_findings_that_verification_may_ignore(code: str) -> None:
    op: dict[str, Any] = {"OP_ID": "OP_CLUSTER_VERIFY_CONFIG", "reason": []}
    assert validate(op | {"ignore_errors": [code]})["ignore_errors"] == [code]
    with pytest.raises(OpcodeError, match="CVErrorCode"):
        validate(op | {"ignore_errors": [code.lower()]})


def test_changing_parameters_changes_only_what_is_given() -> None:
    assert added("OP_CLUSTER_SET_PARAMS") == {"force": False}
    assert added("OP_CLUSTER_VERIFY_DISKS") == {}


def test_lists_of_changes_are_pairs() -> None:
    changes = [["add", "os1"], ["remove", "os2"]]
    assert validate(SET | {"hidden_os": changes, "add_uids": [[1, 2]]})["hidden_os"] == changes
    for wrong in ([["add"]], [["other", "os1"]], [["add", ""]]):
        with pytest.raises(OpcodeError):
            validate(SET | {"hidden_os": wrong})


def test_every_opcode_is_in_the_table_and_shows_a_parameter_of_its_own() -> None:
    for opcode in MINE:
        assert OPCODES[opcode.op_id] is opcode
        assert opcode.subject is None or opcode.subject in {parameter.name for parameter in opcode.parameters}
    assert summary({"OP_ID": "OP_TAGS_GET", "kind": "nodegroup"}) == "TAGS_GET(TagKindGroup)"
    assert summary({"OP_ID": "OP_CLUSTER_RENAME", "name": "new"}) == "CLUSTER_RENAME(new)"
