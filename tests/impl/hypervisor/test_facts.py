"""What nodes and instances are said to be, from the configuration alone."""

from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver, InstanceInfo, disk_used, is_running, memory_used
from tests.impl.clusters import GIB, make_config, uuid

N1, N2 = uuid(1, 1), uuid(1, 2)
WEB = uuid(3, 1)


@pytest.fixture
def config() -> dict[str, Any]:
    return make_config(instances={"web1": (1, 2), "web2": (2, None)})


def test_free_amounts_follow_from_the_instances(config: dict[str, Any]) -> None:
    view = ClusterView(config)
    first, second = (ConfiguredObserver().node_info(view, view.nodes[node]) for node in (N1, N2))
    assert first is not None
    assert second is not None
    assert (first.memory_total, first.memory_node, first.memory_free) == (64 * GIB, GIB, 61 * GIB)
    assert first.disk_free == 1000 * GIB - 10 * GIB - 128
    assert second.disk_free == 1000 * GIB - 20 * GIB - 128
    assert (first.cpus, first.cpus_node, first.spindles_total, first.boot_id) == (16, 1, None, None)


def test_an_instance_that_is_down_takes_disk_and_no_memory(config: dict[str, Any]) -> None:
    config["instances"][WEB]["admin_state"] = "down"
    view = ClusterView(config)
    assert (memory_used(view, N1), disk_used(view, N1)) == (0, 10 * GIB + 128)
    assert ConfiguredObserver().instance_info(view, view.instances[WEB]) is None


def test_disks_that_every_node_reaches_take_no_space_of_a_node(config: dict[str, Any]) -> None:
    config["disks"][uuid(4, 2)]["dev_type"] = "rbd"
    assert disk_used(ClusterView(config), N2) == 10 * GIB + 128


def test_a_forthcoming_instance_does_not_run(config: dict[str, Any]) -> None:
    instance = config["instances"][WEB]
    assert is_running(instance)
    assert not is_running({**instance, "forthcoming": True})
    view = ClusterView(config)
    assert ConfiguredObserver().instance_info(view, instance) == InstanceInfo(N1, 2 * GIB, 2)


def test_a_node_without_hardware_facts_answers_nothing(config: dict[str, Any]) -> None:
    del config["nodes"][N1]["gantry"]
    view = ClusterView(config)
    assert ConfiguredObserver().node_info(view, view.nodes[N1]) is None


def test_reports_replace_what_would_follow(config: dict[str, Any]) -> None:
    config["nodes"][N1]["gantry"] |= {"memory_free_reported": 7, "disk_free_reported": 8, "spindles": 3}
    view = ClusterView(config)
    info = ConfiguredObserver().node_info(view, view.nodes[N1])
    assert info is not None
    assert (info.memory_free, info.disk_free, info.spindles_total, info.spindles_free) == (7, 8, 3, 3)
