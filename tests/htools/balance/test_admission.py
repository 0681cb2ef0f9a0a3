"""Which instances fit where, in vectors: as each node says, on clusters where each limit decides sometimes."""

import numpy as np
import pytest

from htools.balance.admission import PRIMARY, SECONDARY, Rooms
from htools.balance.arrays import representable
from htools.balance.move_scores import Candidates
from htools.model.cluster import Model
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Figure, Limit
from spec.allocator.decisions import Rules, Settings
from spec.allocator.example import cluster, instance
from tests.htools.balance.walks import Adversary

SEEDS = [seed for seed in range(60) if representable(Adversary(seed, most=6).model())]


def rooms(seed: int, rules: Rules) -> Rooms:
    """Return all instances and all online nodes of a seed's model."""
    parent = Candidates(Adversary(seed, most=6).model(), rules)
    return Rooms(parent, np.arange(len(parent.model.instances)), np.flatnonzero(parent.nodes.online))


def compare(seed: int, *, force: bool) -> list[int]:
    """Compare each pair; return how many fit and how many do not, as a primary and as a secondary."""
    found = rooms(seed, Rules(ignore_soft=force))
    model = found.parent.model
    with np.errstate(invalid="ignore"):
        primary = found._fits(PRIMARY, force=force)
        secondary = found._fits(SECONDARY, force=force)
    counts = [0, 0, 0, 0]
    for row, vm in enumerate(model.instances.values()):
        for column, at in enumerate(found.targets.tolist()):
            node = model.nodes[int(found.nodes.index[at])]
            if node.index in {vm.primary, vm.secondary}:
                continue
            runs = node.primary_refusal(vm, force=force) is None
            assert primary[row, column] == runs, (seed, vm.name, node.name)
            counts[0] += runs
            counts[1] += not runs
            if vm.mirrored:
                kept = found._targets_keep_n1(
                    np.maximum(found.nodes.reserved[found.targets], found.nodes.needs[found.targets][:, found.primary].T
                               + found.failover[:, None]), np.full(len(found.rows), force))  # fmt: skip
                mirrors = node.secondary_refusal(vm, vm.primary, force=force) is None
                assert (secondary & kept)[row, column] == mirrors, (seed, vm.name, node.name)
                counts[2] += mirrors
                counts[3] += not mirrors
    return counts


@pytest.mark.parametrize("force", [False, True])
def test_every_pair_fits_as_the_node_says(force: bool) -> None:
    counts = np.sum([compare(seed, force=force) for seed in SEEDS], axis=0)
    assert (counts > 50).all(), counts


@pytest.mark.parametrize(
    ("figure", "tight"),
    [
        ("planned_free_memory", 1000),
        ("planned_free_disk", 1024),
        ("planned_used_cpus", 32),
        ("planned_spindle_use", 32.0),
    ],
)
def test_forthcoming_instances_take_room_too(figure: str, tight: float) -> None:
    """Only what is planned on the third node is tight; one unit less, and it takes the instance."""
    for value, fits in ((tight, False), (tight + (1 if "free" in figure else -1), True)):
        model = Model.of(cluster(instance(0, 1), nodes=3), Settings())
        setattr(model.nodes[2], figure, value)
        assert (model.nodes[2].primary_refusal(model.instances[0], force=False) is None) == fits
        parent = Candidates(model, Rules())
        found = Rooms(parent, np.arange(1), np.arange(3))
        assert found._fits(PRIMARY, force=False)[0, 2] == fits
        assert found._fits(PRIMARY, force=True)[0, 2]


def test_roles_have_every_condition_once() -> None:
    for role, conditions in ((PRIMARY, AS_PRIMARY), (SECONDARY, AS_SECONDARY)):
        sorted_in = [*role.storage, *role.others]
        left_out = [each for each in conditions if each not in sorted_in]
        assert {each.need for each in left_out} <= {Figure.COPIES_MISSING, Figure.RESERVED_AFTER}
        assert [each for each in role.others if not each.soft] == role.hard
        assert role.redundancy.limit is Limit.N_PLUS_1
    assert (PRIMARY.tags is None, SECONDARY.tags is None) == (False, True)


def test_forced_rows_are_chosen_row_by_row() -> None:
    for seed in SEEDS:
        found = rooms(seed, Rules())
        forced = np.arange(len(found.rows)) % 2 == 0
        hard, soft = found._fits(PRIMARY, force=True), found._fits(PRIMARY, force=False)
        assert (hard | ~soft).all()
        chosen = found._chosen(forced, PRIMARY)
        assert (chosen[forced] == hard[forced]).all()
        assert (chosen[~forced] == soft[~forced]).all()
