"""What the objects of a configuration use up, and what contradicts itself in one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from impl.config import facts
from impl.config.model import from_value
from tests.impl.config.values import VALUE, config


def test_what_is_in_use() -> None:
    assert facts.macs(config()) == {"aa:bb:cc:00:00:01"}
    assert facts.logical_volumes(config()) == {"xenvg/d1_data", "xenvg/d2", "xenvg/d3"}
    assert facts.drbd_secrets(config()) == {"secret"}
    assert facts.drbd_minors(VALUE["disks"]["d1"]) == [("n1", 0), ("n2", 1)]
    assert facts.drbd_minors(VALUE["disks"]["d2"]) == []


def test_minors_of_disks_below_others_count() -> None:
    whole = {"dev_type": "blockdev", "children": [VALUE["disks"]["d1"]]}
    assert facts.drbd_minors(whole) == [("n1", 0), ("n2", 1)]
    assert [part["dev_type"] for part in facts.disk_parts(whole)] == ["blockdev", "drbd", "plain"]


def test_identifiers_are_all_uuids_and_volumes() -> None:
    assert facts.identifiers(config()) == {
        "cluster", "n1", "n2", "g", "i1", "i2", "nic1", "d1", "d2", "d3", "net", "xenvg/d1_data", "xenvg/d2", "xenvg/d3"
    }  # fmt: skip


def test_a_sound_configuration_has_no_problems() -> None:
    assert facts.problems(config()) == []


DAMAGES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda value: value["cluster"].update(enabled_hypervisors=[]), "enabled hypervisors list"),
    (lambda value: value["cluster"].update(enabled_disk_templates=[]), "enabled disk templates list"),
    (lambda value: value["cluster"].update(master_node="n9"), "invalid primary node n9"),
    (lambda value: value["nodes"]["n1"].update(uuid="n2"), "nodes: key n1 holds the object n2"),
    (lambda value: value["nodes"]["n2"].update(group="g9"), "node n2 refers to the unknown nodegroup g9"),
    (lambda value: value["instances"]["i1"].update(primary_node="n9"), "unknown primary node n9"),
    (lambda value: value["instances"]["i1"].update(disks=["d9"]), "unknown disk d9"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_each_contradiction_is_found_alone(damage: Callable[[dict[str, Any]], Any], said: str) -> None:
    value = copy.deepcopy(VALUE)
    damage(value)
    (found,) = facts.problems(from_value(value))
    assert said in found
