"""Sums over a cluster's nodes, worked out by hand, and how hspace prints them."""

from math import inf, isnan

import pytest

from htools.capacity.totals import EFFICIENCY, STATISTICS, ratio, totals
from htools.model.cluster import Model
from htools.model.score import score
from spec.allocator.decisions import Settings
from tests.spec.allocator.small import cluster, instance, node

READ = cluster(
    [node(node_memory=100, free_memory=900), node(total_cpus=2.0, free_memory=950)],
    [instance(0, 1, memory=200, disk=1000, vcpus=2), instance(1, None, memory=100, disk=3000)],
)
"""The second node has 50 MiB less than its records say; it keeps 200 MiB for the first."""


def test_every_sum() -> None:
    model = Model.of(READ, Settings(disk_reserve=0.1))
    found = totals(model)
    assert (found.free_memory, found.available_memory, found.largest_memory) == (700 + 850, 700 + 650, 700)
    assert (found.instance_memory, found.node_memory, found.missing_memory) == (300, 100, 50)
    assert (found.free_disk, found.available_disk, found.largest_disk) == (9000 + 6000, 8000 + 5000, 8000)
    assert found.instance_disk == 1000 + 4000
    assert (found.instance_cpus, found.available_cpus, found.virtual_cpus) == (3, 30 + 7, 32 + 8)
    assert (found.total_memory, found.total_disk, found.total_cpus, found.normal_cpus) == (2000, 20000, 10, 0.75)
    assert found.instances == 2
    assert str(found.score) == str(score(model.nodes.values()))


def test_nothing_adds_up_to_nothing() -> None:
    found = totals(Model({}, {}))
    assert (found.largest_memory, found.largest_disk, found.instances, found.score) == (0, 0, 0, 0.0)
    assert isnan(EFFICIENCY["memory"](found))


@pytest.mark.parametrize(("part", "whole", "share"), [(1, 4, 0.25), (1, 0, inf), (-1, 0, -inf), (0, 5, 0.0)])
def test_shares(part: float, whole: float, share: float) -> None:
    assert ratio(part, whole) == share


def test_figures_are_printed_under_the_names_of_the_machine_readable_output() -> None:
    """Source: man hspace(1)."""
    found = totals(Model.of(READ, Settings(disk_reserve=0.1)))
    printed = {name: text(found) for name, text in STATISTICS}
    assert (printed["MEM_RESVD"], printed["MEM_OVERHEAD"], printed["MEM_EFF"]) == ("200", "150", "0.15000000")
    assert (printed["DSK_RESVD"], printed["DSK_EFF"], printed["CPU_EFF"]) == ("2000", "0.25000000", "0.07500000")
    assert (printed["MNODE_MEM_AVAIL"], printed["MNODE_DSK_AVAIL"], printed["INST_CNT"]) == ("700", "8000", "2")
    assert len(printed) == 20
