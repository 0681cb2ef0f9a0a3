from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.job.units.policy import Spec, spec_of, violations
from tests.impl.clusters import GIB, make_config, uuid

FITS = Spec(memory=512, cpus=2, disks=[GIB], nics=1, spindle_use=1, template="drbd")


def bounds(memory: tuple[int, int], disk: tuple[int, int] = (GIB, 2 * GIB)) -> dict[str, dict[str, int]]:
    low = {"memory-size": memory[0], "cpu-count": 1, "disk-size": disk[0], "disk-count": 1, "nic-count": 1}
    high = {"memory-size": memory[1], "cpu-count": 4, "disk-size": disk[1], "disk-count": 2, "nic-count": 2}
    return {"min": low | {"spindle-use": 1}, "max": high | {"spindle-use": 3}}


POLICY: dict[str, Any] = {"minmax": [bounds((512, 1024))], "disk-templates": ["drbd", "diskless"]}


def test_the_bounds_themselves_are_allowed() -> None:
    for memory in (512, 1024):
        assert violations(POLICY, FITS.__class__(memory, 4, [GIB, 2 * GIB], 2, 3, "drbd")) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"memory": 511}, "memory-size value 511 is not in range [512, 1024]"),
        ({"memory": 1025}, "memory-size value 1025 is not in range [512, 1024]"),
        ({"cpus": 5}, "cpu-count value 5 is not in range [1, 4]"),
        ({"nics": 0}, "nic-count value 0 is not in range [1, 2]"),
        ({"spindle_use": 4}, "spindle-use value 4 is not in range [1, 3]"),
        ({"disks": []}, "disk-count value 0 is not in range [1, 2]"),
        ({"disks": [GIB, 5]}, f"disk-size value 5 is not in range [{GIB}, {2 * GIB}]"),
        ({"template": "plain"}, "disk template plain is not allowed (allowed templates: drbd, diskless)"),
    ],
)
def test_each_measure_counts(change: dict[str, Any], said: str) -> None:
    values = {name: getattr(FITS, name) for name in Spec.__slots__} | change
    assert violations(POLICY, Spec(**values)) == [said]


def test_one_pair_of_bounds_is_enough_and_else_the_nearest_is_quoted() -> None:
    two = {"minmax": [bounds((1, 2), (1, 2)), bounds((4 * GIB, 8 * GIB))]}
    assert violations(two, FITS) == [f"memory-size value 512 is not in range [{4 * GIB}, {8 * GIB}]"]
    assert violations({"minmax": [*two["minmax"], bounds((512, 512))]}, FITS) == []


def test_disks_of_a_diskless_instance_do_not_count() -> None:
    assert violations(POLICY, Spec(512, 1, [], 1, 1, "diskless")) == []


def test_a_policy_that_says_nothing_allows_all() -> None:
    assert violations({}, Spec(0, 0, [], 0, 0, "any")) == []
    assert violations({"minmax": [{"min": {}, "max": {}}]}, FITS) == []


def test_what_counts_of_an_instance() -> None:
    config = make_config(instances={"web1": (1, 2)})
    config["instances"][uuid(3, 1)] |= {"nics": [{}, {}], "beparams": {"maxmem": 300, "vcpus": 3}}
    view = ClusterView(config)
    assert spec_of(view, view.find("instance", "web1")) == Spec(300, 3, [10 * GIB], 2, 1, "drbd")
