"""Opcodes on instances: what is refused, what is filled in, and what is shown."""

from typing import Any

import pytest

from impl.opcodes import OPCODES, OpcodeError, secrets, summary, validate
from impl.opcodes.common import COMMON
from impl.opcodes.instance import OPCODES as MINE

MIGRATE: dict[str, Any] = {"OP_ID": "OP_INSTANCE_MIGRATE", "reason": []}
CREATE: dict[str, Any] = {
    "OP_ID": "OP_INSTANCE_CREATE", "reason": [], "instance_name": "x", "nics": [], "mode": "create"
}  # fmt: skip

# Each refusal was observed on luxid of Ganeti 3.0.2.
REFUSALS: list[tuple[Any, str]] = [
    (MIGRATE, 'key \'instance_name\' not found, object contains only ["OP_ID","reason"]'),
    (
        MIGRATE | {"instance_name": "n", "mode": "x"},
        "Can't parse value for 'mode': Invalid string value for type MigrationMode: \"x\"",
    ),
    (
        MIGRATE | {"instance_name": "n", "target_node": ""},
        "Can't parse value for 'target_node': Received empty value for non-empty list",
    ),
    (
        {
            "OP_ID": "OP_INSTANCE_REPLACE_DISKS",
            "reason": [],
            "instance_name": "x",
            "mode": "replace_auto",
            "disks": [99],
        },
        "Can't parse value for 'disks': Invalid value for disk index '99', required between 0 and 16",
    ),
    (CREATE, 'key \'disks\' not found, object contains only ["OP_ID","reason","instance_name","nics","mode"]'),
    (CREATE | {"disks": [{"size": "xG", "zz": 1}]}, "Can't parse value for 'disks': Can't parse string 'xG'"),
    (
        CREATE | {"disks": [{"size": 1, "mode": "zz"}]},
        "Can't parse value for 'disks': Can't parse value for 'mode': Invalid string value for type DiskAccess: \"zz\"",
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


def test_what_a_creation_does_by_default() -> None:
    found = added("OP_INSTANCE_CREATE", instance_name="x", disks=[], nics=[], mode="create")
    assert {name for name, value in found.items() if value is True} == {
        "wait_for_sync", "name_check", "ip_check", "conflicts_check", "start"
    }  # fmt: skip
    assert (found["source_shutdown_timeout"], found["compress"], found["tags"]) == (120, "none", [])
    assert found["forthcoming"] is False


def test_what_a_migration_does_by_default() -> None:
    found = added("OP_INSTANCE_MIGRATE", instance_name="x")
    assert {name for name, value in found.items() if value is True} == {"allow_runtime_changes"}


def test_secrets_of_creation_and_reinstallation_never_touch_the_disk() -> None:
    hidden = {opcode.op_id for opcode in MINE if any(parameter.secret for parameter in opcode.parameters)}
    assert hidden == {"OP_INSTANCE_CREATE", "OP_INSTANCE_REINSTALL"}
    op = validate({"OP_ID": "OP_INSTANCE_REINSTALL", "reason": [], "instance_name": "x", "osparams_secret": {"p": "s"}})
    assert secrets(op) == {"osparams_secret": {"p": "s"}}


def test_every_opcode_is_in_the_table_and_shows_its_instance() -> None:
    for opcode in MINE:
        assert OPCODES[opcode.op_id] is opcode
        names = {parameter.name for parameter in opcode.parameters}
        assert opcode.subject is None or opcode.subject in names
    assert summary({"OP_ID": "OP_INSTANCE_SHUTDOWN", "instance_name": "web1"}) == "INSTANCE_SHUTDOWN(web1)"
    assert summary({"OP_ID": "OP_INSTANCE_RENAME", "instance_name": "web1"}) == "INSTANCE_RENAME"
