"""Instance policies: the first size out of bounds is the reason."""

from dataclasses import replace
from typing import Any

import pytest

from spec.allocator.cluster import Bounds, Disk, DiskTemplate, ISpec, Policy
from spec.allocator.policy import policy_failure
from tests.spec.allocator.small import DRBD, instance

SMALL = Bounds(ISpec(64, 1, 500, 1, 1, 1), ISpec(200, 2, 2000, 2, 1, 4))
LARGE = Bounds(ISpec(1000, 1, 500, 1, 1, 1), ISpec(2000, 2, 2000, 2, 1, 4))
POLICY = Policy((SMALL,), SMALL.minimum, (DRBD,), 4.0, 32.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"memory": 200}, None),
        ({"memory": 201}, "FailMem"),
        ({"memory": 63}, "FailMem"),
        ({"disks": (Disk(1000), Disk(2001))}, "FailDisk"),
        ({"vcpus": 3}, "FailCPU"),
        ({"spindle_use": 5}, "FailSpindles"),
        ({"disks": (Disk(1000),) * 3}, "FailDiskCount"),
        ({"memory": 201, "vcpus": 3}, "FailMem"),
        ({"disk_template": DiskTemplate.PLAIN}, "FailDisk"),
    ],
)
def test_the_first_size_out_of_bounds_is_the_reason(changes: dict[str, Any], reason: str | None) -> None:
    failure = policy_failure(instance(**{"disks": (Disk(1000),), **changes}), POLICY, exclusive=False)
    assert (failure and failure.value) == reason


def test_with_exclusive_storage_unknown_spindles_fail() -> None:
    unknown = policy_failure(instance(disks=(Disk(1000),)), POLICY, exclusive=True)
    assert unknown is not None
    assert unknown.value == "FailSpindles"
    assert policy_failure(instance(disks=(Disk(1000, 2),)), POLICY, exclusive=True) is None


def test_one_pair_of_bounds_is_enough_and_no_bounds_allow_everything() -> None:
    both = replace(POLICY, bounds=(SMALL, LARGE))
    assert policy_failure(instance(memory=1500, disks=(Disk(1000),)), both, exclusive=False) is None
    huge = instance(memory=10**6, disks=(Disk(1000),))
    assert policy_failure(huge, replace(POLICY, bounds=()), exclusive=False) is None


def test_of_several_pairs_the_first_ones_reason_is_given() -> None:
    between = instance(memory=500, vcpus=9, disks=(Disk(1000),))
    failure = policy_failure(between, replace(POLICY, bounds=(LARGE, SMALL)), exclusive=False)
    assert failure is not None
    assert failure.value == "FailMem"
