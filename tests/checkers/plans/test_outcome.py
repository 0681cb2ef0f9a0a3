"""Comparing configurations with what a plan promised: exact ones pass, every planted difference is reported."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from checkers.plans.outcome import broken_promises, expected_placement
from checkers.plans.reader import read_plan
from impl.setup.config import Setup, initial_config
from spec.allocator.cluster import Cluster
from spec.plans.model import Plan

Config = dict[str, Any]


@pytest.fixture
def plan(branch: Cluster) -> Plan:
    return read_plan("gnt-instance replace-disks -n south stock\ngnt-instance migrate -f till\n", branch)


@pytest.fixture
def before(branch: Cluster) -> Config:
    return initial_config(branch, Setup("promise.example", 1.0, lambda: "s"))


@pytest.fixture
def after(branch: Cluster, before: Config) -> Config:
    """What an honest execution leaves, written by hand."""
    now = copy.deepcopy(before)
    nodes = {node["name"]: uuid for uuid, node in now["nodes"].items()}
    by_name = {instance["name"]: instance for instance in now["instances"].values()}
    by_name["till"].update(primary_node=nodes["east"], serial_no=2, mtime=2.0)
    (disk,) = by_name["stock"]["disks"]
    pair = [nodes["east"], nodes["south"]]
    now["disks"][disk].update(logical_id=[*pair, 12000, 7, 7, "new"], nodes=pair, serial_no=2)
    for child in now["disks"][disk]["children"]:
        child["nodes"] = pair
    now["serial_no"] = 3
    return now


def test_the_promise(branch: Cluster, plan: Plan) -> None:
    places = expected_placement(branch, plan)
    assert places["stock"] == ("east", "south")
    assert places["till"] == ("east", "north")
    assert places["phone"] == ("west", "north")


def test_an_exact_execution_keeps_it(branch: Cluster, plan: Plan, before: Config, after: Config) -> None:
    assert broken_promises(before, after, branch, plan) == []
    assert broken_promises(before, before, branch, Plan(())) == []


def named(config: Config, name: str) -> Any:
    return next(instance for instance in config["instances"].values() if instance["name"] == name)


def node(config: Config, name: str) -> str:
    return str(next(uuid for uuid, it in config["nodes"].items() if it["name"] == name))


def disk(config: Config, name: str) -> Any:
    return config["disks"][named(config, name)["disks"][0]]


def swap_secondary(config: Config) -> None:
    disk(config, "phone")["logical_id"][1] = node(config, "east")


def share_a_minor(config: Config) -> None:
    one, other = disk(config, "stock")["logical_id"], disk(config, "camera")["logical_id"]
    assert one[1] == other[0]
    one[4] = other[3]


FAULTS: dict[str, Callable[[Config], Any]] = {
    "an instance elsewhere": lambda config: named(config, "phone").update(primary_node=node(config, "south")),
    "a move that was not made": lambda config: named(config, "till").update(primary_node=node(config, "north")),
    "a disk elsewhere": swap_secondary,
    "an instance gone": lambda config: config["instances"].pop(named(config, "camera")["uuid"]),
    "an instance stopped": lambda config: named(config, "camera").update(admin_state="down"),
    "a node drained": lambda config: config["nodes"][node(config, "west")].update(drained=True),
    "another secret of a disk that stayed": lambda config: disk(config, "phone")["logical_id"].__setitem__(5, "x"),
    "a field that was not there": lambda config: config.update(surprise=1),
    "a minor used twice": share_a_minor,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_other_change_is_reported(branch: Cluster, plan: Plan, before: Config, after: Config, fault: str) -> None:
    FAULTS[fault](after)
    assert broken_promises(before, after, branch, plan)
