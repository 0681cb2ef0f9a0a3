"""The working model of a state: the same as the model that was read, also after moves."""

import pytest

from htools.model.cluster import Model
from htools.model.from_spec import instance_model, model_of, node_model
from htools.model.instance import InstanceModel
from htools.model.moves import Moved, attempt
from htools.model.node import NodeModel
from spec.allocator.decisions import Move, MoveKind, Settings
from spec.allocator.initial import initial_state
from spec.allocator.moves import apply
from spec.allocator.state import State
from tests.spec.allocator.small import cluster, instance, node

TAGS = ("htools:iextags:svc", "htools:nlocation:rack", "htools:desiredlocation:rack", "htools:migration:kvm")
READ = cluster(
    [node(tags=("rack:a",)), node(tags=("rack:a", "kvm:1")), node(tags=("rack:b",), free_memory=900, offline=True)],
    [instance(0, 1, tags=("svc:a", "rack:b")), instance(1, 2, forthcoming=True), instance(1, None, tags=("svc:a",))],
    TAGS,
)


def differences(one: Model, other: Model) -> list[str]:
    """List the attributes in which two models differ."""
    found = [f"{i} {n}" for i, it in one.nodes.items() for n in NodeModel.__slots__
             if n != "node" and getattr(it, n) != getattr(other.nodes[i], n)]  # fmt: skip
    return found + [f"vm {i} {n}" for i, it in one.instances.items() for n in InstanceModel.__slots__
                    if getattr(it, n) != getattr(other.instances[i], n)]  # fmt: skip


@pytest.mark.parametrize("extra", [Settings(), Settings(vcpu_ratio=1.5)])
def test_a_state_becomes_the_model_that_is_read(extra: Settings) -> None:
    found = differences(model_of(initial_state(READ, extra)), Model.of(READ, extra))
    limits = {f"{index} {name}" for index in range(3) for name in ("vcpu_ratio", "high_cpus")}
    assert set(found) - (limits if extra.vcpu_ratio else set()) == set()


def test_after_a_move_it_is_the_moved_model() -> None:
    move = Move(0, MoveKind.FAILOVER)
    state = apply(initial_state(READ), move, ignore_soft=True)
    model = Model.of(READ, Settings())
    moved = attempt(model, move, ignore_soft=True)
    assert isinstance(state, State)
    assert isinstance(moved, Moved)
    moved.commit(model)
    assert {name.split()[-1] for name in differences(model_of(state), model)} <= {"instance"}


def test_the_parts_are_those_of_the_whole() -> None:
    state = initial_state(READ, Settings(disk_reserve=0.25))
    whole = model_of(state)
    assert node_model(state.nodes[0]).low_disk == whole.nodes[0].low_disk == 2500
    assert instance_model(state.instances[0]).exclusion_tags == ("svc:a",)
