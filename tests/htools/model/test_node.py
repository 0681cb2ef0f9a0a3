"""A node's accounts against the specification, operation by operation, and its own figures at their limits."""

from itertools import product
from typing import Any

import pytest

from htools.model.from_spec import instance_model, node_model
from htools.model.instance import InstanceModel
from htools.model.node import NodeModel
from spec.allocator.accounts import add_primary, add_secondary, remove_primary, remove_secondary
from spec.allocator.cluster import InstanceStatus
from spec.allocator.decisions import FailMode, Refusal
from spec.allocator.state import NodeState
from tests.spec.allocator.small import instance, node, placed, state

NODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "exclusive": {"exclusive_storage": True, "spindles": 4, "free_spindles": 3},
}
NEW: dict[str, dict[str, Any]] = {
    "ordinary": {},
    "huge": {"memory": 950},
    "just too large": {"memory": 700},
    "stopped": {"status": InstanceStatus.ADMIN_DOWN},
    "forthcoming": {"forthcoming": True},
    "wide": {"disk": 9500},
    "many cores": {"vcpus": 60},
}


def before(kind: str) -> NodeState:
    """Return the accounts of a node with one primary, and one secondary for which it keeps 200 MiB."""
    there = state([node(**NODES[kind]), node()], [instance(0, 1), instance(1, 0, memory=200)])
    return there.nodes[0]


def same(model: NodeModel, wanted: NodeState) -> bool:
    """Return whether two versions of a node have the same accounts."""
    twin = node_model(wanted)
    names = set(NodeModel.__slots__) - {"missing_memory", "usable_memory", "node", "alias"}
    return all(getattr(model, name) == getattr(twin, name) for name in names)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize(("kind", "new"), list(product(NODES, NEW)))
def test_adding_is_as_specified(kind: str, new: str, soft: bool) -> None:
    there, vm = before(kind), placed(**NEW[new])
    for primary in (None, 1, 2):
        model = node_model(there)
        if primary is None:
            wanted = add_primary(there, vm, ignore_soft=soft)
            refusal = model.add_primary(instance_model(vm), force=soft)
        else:
            wanted = add_secondary(there, vm, primary, ignore_soft=soft)
            refusal = model.add_secondary(instance_model(vm), primary, force=soft)
        assert refusal is (wanted.mode if isinstance(wanted, Refusal) else None)
        assert same(model, there if isinstance(wanted, Refusal) else wanted)


@pytest.mark.parametrize("kind", NODES)
def test_removing_is_as_specified(kind: str) -> None:
    whole = state([node(**NODES[kind]), node()], [instance(0, 1), instance(1, 0, memory=200)])
    there = whole.nodes[0]
    for index, wanted in ((0, remove_primary), (1, remove_secondary)):
        model, vm = node_model(there), instance_model(whole.instances[index])
        (model.remove_primary if index == 0 else model.remove_secondary)(vm)
        assert same(model, wanted(there, whole.instances[index]))


def test_adding_and_removing_leave_what_was_before() -> None:
    there, vm = before("plain"), instance_model(placed())
    model = node_model(there)
    assert model.add_primary(vm) is None
    assert not same(model, there)
    model.remove_primary(vm)
    assert same(model, there)


def fresh(**changes: Any) -> NodeModel:
    return NodeModel(0, node(**changes))


def test_the_largest_peer_is_what_is_reserved() -> None:
    model = fresh()
    for index, (peer, memory) in enumerate(((1, 100), (2, 250), (1, 100))):
        assert model.add_secondary(InstanceModel(index, instance(peer, 0, memory=memory)), peer) is None
    assert (model.peers, model.reserved, model.need_of(1), model.need_of(3)) == ([(2, 250), (1, 200)], 250, 200, 0)
    model.remove_secondary(InstanceModel(1, instance(2, 0, memory=250)))
    assert (model.peers, model.reserved) == ([(1, 200)], 200)


def test_what_is_available_never_falls_below_nothing() -> None:
    model = fresh(total_cpus=2.0)
    model.set_limits(2.0, 32.0, 0.5)
    assert (model.available_memory, model.available_disk, model.available_cpus) == (1000, 5000, 4)
    model.reserved, model.free_disk, model.used_cpus = 1500, 4999, 5
    assert (model.available_memory, model.available_disk, model.available_cpus) == (0, 0, 0)


def test_clashing_tags_are_counted_and_refused() -> None:
    model, vm = fresh(), InstanceModel(0, instance())
    vm.exclusion_tags = ("svc:a", "svc:b")
    assert model.add_primary(vm) is None
    other = InstanceModel(1, instance())
    other.exclusion_tags = ("svc:b", "svc:c")
    assert model.clashes(other) == 1
    assert model.add_primary(other) is FailMode.TAGS
    assert model.add_primary(other, force=True) is FailMode.TAGS or model.tag_counts["svc:b"] == 2


def test_a_copy_shares_no_list() -> None:
    model = fresh()
    copy = model.copy()
    copy.add_primary(InstanceModel(0, instance()))
    assert (model.primaries, model.free_memory, model.load) == ([], 1000, [0.0] * 4)
    assert (copy.primaries, copy.free_memory) == ([0], 900)


def test_memory_that_is_missing_is_usable_by_nobody() -> None:
    """The node reports 700 MiB free, although its records say 900."""
    model = fresh(free_memory=700)
    model.found_primary(InstanceModel(0, instance(0, None)))
    model.settle({})
    assert (model.missing_memory, model.usable_memory, model.free_memory) == (200, 800, 700)
    assert model.reported().free_memory == 700
