"""The opcodes of moves: each is one that the table of opcodes accepts, in Ganeti's order of parameters."""

from typing import Any

import pytest

from htools.plan import opcodes
from impl.opcodes import validate

MADE: list[tuple[dict[str, Any], list[str]]] = [
    (opcodes.migrate("i"), ["instance_name", "allow_runtime_changes", "ignore_ipolicy", "cleanup", "allow_failover"]),
    (opcodes.migrate("i", "n"), ["instance_name", "target_node", "allow_runtime_changes", "ignore_ipolicy"]),
    (opcodes.failover("i"), ["instance_name", "shutdown_timeout", "ignore_consistency", "ignore_ipolicy", "cleanup"]),
    (opcodes.failover("i", "n"), ["instance_name", "shutdown_timeout", "ignore_consistency", "target_node"]),
    (opcodes.replace_secondary("i", "n"), ["instance_name", "early_release", "ignore_ipolicy", "mode", "disks"]),
    (opcodes.drain("n", drained=True), ["node_name", "force", "drained", "auto_promote"]),
    (opcodes.set_offline("n"), ["node_name", "force", "offline", "auto_promote"]),
    (opcodes.set_online("n"), ["node_name", "force", "offline", "drained", "auto_promote"]),
    (opcodes.power(["n"], on=True), ["node_names", "command", "timeout", "ignore_status", "power_delay"]),
    (opcodes.add_node_tags("n", ["t"]), ["kind", "tags", "name"]),
]


@pytest.mark.parametrize(("op", "order"), MADE, ids=lambda value: value["OP_ID"] if isinstance(value, dict) else "")
def test_every_opcode_is_accepted_as_it_stands(op: dict[str, Any], order: list[str]) -> None:
    assert list(op)[: len(order) + 1] == ["OP_ID", *order]
    normal = validate({**op, "reason": []})
    assert {name: normal[name] for name in op} == op


def test_what_is_asked_for() -> None:
    assert opcodes.migrate("i", "n")["allow_failover"] is True
    assert opcodes.failover("i", "n")["shutdown_timeout"] == 120
    assert opcodes.replace_secondary("i", "n")["remote_node"] == "n"
    assert (opcodes.drain("n", drained=False)["drained"], opcodes.drain("n", drained=True)["drained"]) == (False, True)
    assert (opcodes.set_offline("n")["offline"], opcodes.set_online("n")["offline"]) == (True, False)
    assert [opcodes.power(("n", "m"), on=on)["command"] for on in (True, False)] == ["power-on", "power-off"]
    assert opcodes.power(("n", "m"), on=True)["node_names"] == ["n", "m"]
    assert opcodes.add_node_tags("n", ("t", "u"))["tags"] == ["t", "u"]
