from typing import Any

import pytest

from tests.impl.clusters import uuid
from tests.impl.job.conftest import Bench

SET: dict[str, Any] = {"OP_ID": "OP_NODE_SET_PARAMS", "node_name": "node2"}
FLAGS = ("master_candidate", "drained", "offline")


@pytest.fixture(autouse=True)
def small_pool(bench: Bench) -> None:
    bench.config["cluster"]["candidate_pool_size"] = 1


def flags(bench: Bench, number: int) -> list[bool]:
    node = bench.config["nodes"][uuid(1, number)]
    return [node[name] for name in FLAGS]


@pytest.mark.parametrize(("given", "place"), [("drained", 1), ("offline", 2)])
def test_drain_and_offline_and_back(bench: Bench, given: str, place: int) -> None:
    assert bench.succeeds(SET | {given: True}) == [[given, "True"]]
    assert flags(bench, 2) == [index == place for index in range(3)]
    assert bench.config["nodes"][uuid(1, 2)]["serial_no"] == 2
    assert bench.succeeds(SET | {given: False}) == [[given, "False"]]
    assert flags(bench, 2) == [False] * 3
    assert bench.succeeds(SET | {given: False}) == []


def test_a_role_takes_the_place_of_the_other(bench: Bench) -> None:
    bench.succeeds(SET | {"offline": True})
    assert bench.succeeds(SET | {"drained": True}) == [["drained", "True"], ["offline", "False"]]


REFUSED = [
    ({}, "Please pass at least one modification", "wrong_input"),
    ({"node_name": "nosuch", "drained": True}, "Node 'nosuch' not known", "unknown_entity"),
    ({"drained": True, "offline": True}, "Can't set the node into more than one state at the same time", "wrong_input"),
    ({"node_name": "node1", "offline": True}, "The master role can be changed only via master-failover", "wrong_input"),
    ({"powered": False}, "Please set up an out-of-band program", "wrong_state"),
    ({"vm_capable": False}, "Node node2.example.com hosts 2 instances", "wrong_state"),
    ({"secondary_ip": "192.0.2.9"}, "Gantry cannot change secondary_ip of a node yet", "wrong_input"),
]


@pytest.mark.parametrize(("change", "text", "code"), REFUSED)
def test_refusals_change_nothing(bench: Bench, change: dict[str, Any], text: str, code: str) -> None:
    error_class, arguments = bench.fails(SET | change)
    assert error_class == "OpPrereqError"
    assert arguments[0].startswith(text)
    assert arguments[1] == code


def test_a_candidate_is_not_lost_unless_asked_for(bench: Bench) -> None:
    bench.config["cluster"]["candidate_pool_size"] = 2
    bench.config["nodes"][uuid(1, 2)]["master_candidate"] = True
    error_class, arguments = bench.fails(SET | {"offline": True})
    assert (error_class, arguments[1]) == ("OpPrereqError", "wrong_state")
    assert arguments[0].startswith("Not enough master candidates")
    bench.succeeds(SET | {"offline": True, "auto_promote": True})
    assert [flags(bench, number)[0] for number in (1, 2, 3, 4)] == [True, False, True, False]
    bench.succeeds(SET | {"node_name": "node3", "drained": True, "force": True})
    assert [flags(bench, number)[0] for number in (1, 2, 3, 4)] == [True, False, False, False]


def test_back_in_service_fills_the_pool(bench: Bench) -> None:
    bench.succeeds(SET | {"offline": True})
    bench.config["cluster"]["candidate_pool_size"] = 2
    assert bench.succeeds(SET | {"offline": False}) == [["master_candidate", "True"], ["offline", "False"]]
    assert [entry.message for entry in bench.read().ops[0].log] == ["Auto-promoting node to master candidate"]


def test_power_state_with_an_out_of_band_program(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 2)]["ndparams"] = {"oob_program": "/bin/true"}
    assert bench.fails(SET | {"powered": False})[1][0].startswith("Node node2.example.com must be offline before")
    assert bench.succeeds(SET | {"powered": False, "offline": True}) == [["powered", False], ["offline", "True"]]
    assert bench.fails(SET | {"offline": False})[1][0].startswith("Node node2.example.com needs to be turned on")
    bench.succeeds(SET | {"offline": False, "powered": True})


def test_parameters_of_a_node(bench: Bench) -> None:
    assert bench.succeeds(SET | {"ndparams": {"spindle_count": 4, "oob_program": "/x"}}) == [
        ["ndparams", {"spindle_count": 4, "oob_program": "/x"}]
    ]
    bench.succeeds(SET | {"ndparams": {"oob_program": "default"}})
    assert bench.config["nodes"][uuid(1, 2)]["ndparams"] == {"spindle_count": 4}


def test_locks(bench: Bench) -> None:
    seen: list[Any] = []
    bench.wconfd.before = lambda method, args: seen.append(args[2]) if method == "updateLocksWaiting" else None
    bench.succeeds(SET | {"drained": True})
    bench.succeeds(SET | {"offline": True, "auto_promote": True})
    node = uuid(1, 2)
    assert seen == [
        [["cluster/BGL", "shared"], [f"node/{node}", "exclusive"], [f"node-res/{node}", "shared"]],
        [["cluster/BGL", "shared"], ["node/[lockset]", "exclusive"], ["node-res/[lockset]", "shared"]],
    ]
