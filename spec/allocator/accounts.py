"""A node's accounts after instances are added and removed.

A node's accounts are changed only by `add_primary`, `remove_primary`, `add_secondary` and `remove_secondary`, which
return a new node or a refusal with its reason. `spec.allocator.admission` defines when adding is refused; here are the
figures that its conditions compare.

Source: man htools(1); Ganeti's behaviour, observed through scores and `--print-nodes`.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Condition, Figure, Limit, Only, fails_n1
from spec.allocator.arithmetic import ratio
from spec.allocator.cluster import DiskTemplate
from spec.allocator.decisions import Refusal
from spec.allocator.ledgers import (
    counted,
    location_pairs,
    peer_need,
    peer_set,
    primary_ledger,
    secondary_ledger,
    wishes_unmet,
)
from spec.allocator.state import Ledger, NodeState, Placed


def remove_primary(state: NodeState, placed: Placed) -> NodeState:
    """Remove an instance that the node runs."""
    instance = placed.instance
    changed = replace(
        state,
        planned=primary_ledger(state, state.planned, placed, -1),
        planned_free_memory=state.planned_free_memory + instance.memory,
        exclusion_tags=counted(state.exclusion_tags, placed.exclusion_tags, -1),
    )
    if instance.forthcoming:
        return changed
    changed = replace(
        changed,
        real=primary_ledger(state, state.real, placed, -1),
        instance_memory=state.instance_memory - (instance.memory if instance.uses_memory else 0),
        location_score=state.location_score - placed.location_score - wishes_unmet(state, placed),
        location_pairs=counted(state.location_pairs, location_pairs(state, placed), -1),
    )
    return replace(changed, n1_failed=fails_n1(changed.unallocated_memory, changed.reserved_memory))


def remove_secondary(state: NodeState, placed: Placed) -> NodeState:
    """Remove an instance that the node is secondary of (its primary is still the recorded one)."""
    instance = placed.instance
    changed = replace(state, planned=secondary_ledger(state, state.planned, placed, -1))
    if instance.forthcoming:
        return changed
    need = peer_need(state.peers, instance.primary)
    need -= instance.memory if instance.uses_secondary_memory else 0
    others = tuple(peer for peer in state.peers if peer[0] != instance.primary)
    changed = replace(
        changed,
        real=secondary_ledger(state, state.real, placed, -1),
        peers=peer_set(state.peers, instance.primary, need) if need > 0 else others,
    )
    return replace(changed, n1_failed=fails_n1(changed.unallocated_memory, changed.reserved_memory))


def _figures(state: NodeState, ledger: Ledger, placed: Placed) -> dict[Figure, float]:
    """Return the figures that are read in the same way from the real and the planned ledger."""
    instance = placed.instance
    spindles = instance.total_spindles
    return {
        Figure.NOTHING: 0,
        Figure.RESERVED: state.reserved_memory,
        Figure.FAILOVER_MEMORY: instance.memory if instance.uses_secondary_memory else 0,
        Figure.DISK: instance.disk,
        Figure.FREE_DISK: ledger.free_disk,
        Figure.LEAST_DISK: state.low_disk,
        Figure.SPINDLES: inf if spindles is None else spindles,
        Figure.FREE_SPINDLES: ledger.free_spindles,
        Figure.SPINDLE_USE: 0 if state.node.exclusive_storage else ledger.spindle_use + instance.spindle_use,
        Figure.MOST_SPINDLE_USE: state.high_spindles,
        Figure.CORES: ratio(ledger.used_cpus + (instance.vcpus if instance.online else 0), state.node.total_cpus),
        Figure.MOST_CORES: state.policy.vcpu_ratio,
        Figure.CLASHES: len(_clashes(state, placed)),
        Figure.COPIES_MISSING: instance.disk_template is not DiskTemplate.DRBD,
    }


def _clashes(state: NodeState, placed: Placed) -> list[str]:
    return [tag for tag in placed.exclusion_tags if tag in state.exclusion_tags]


def _asked(state: NodeState, placed: Placed) -> set[Only]:
    """Return the circumstances that hold; the caller removes `NEW_DISKS` where the disks are there already."""
    return {
        only
        for only, holds in (
            (Only.LOCAL_DISKS, placed.instance.uses_local_storage),
            (Only.EXCLUSIVE, state.node.exclusive_storage),
            (Only.LIMITED_CORES, state.policy.vcpu_ratio >= 0),
            (Only.REDUNDANT, not state.n1_failed),
            (Only.NEW_DISKS, True),
        )
        if holds
    }


def _refusal(
    state: NodeState,
    placed: Placed,
    conditions: tuple[Condition, ...],
    asked: set[Only],
    figures: tuple[Mapping[Figure, float], Mapping[Figure, float]],
    *,
    ignore_soft: bool,
) -> Refusal | None:
    """Return the first condition that applies and is not met; `figures` are the real and the planned ones."""
    for condition in conditions:
        if (ignore_soft and condition.soft) or (placed.instance.forthcoming and not condition.planned):
            continue
        if asked.issuperset(condition.only) and condition.refused(figures[condition.planned]):
            have, need = condition.numbers(figures[condition.planned])
            what = condition.text
            if condition.limit is Limit.TAGS:
                what += f" {_clashes(state, placed)[0]}"
            return Refusal(condition.mode, state.index, what, have, need, soft=condition.soft)
    return None


def add_primary(state: NodeState, placed: Placed, *, ignore_soft: bool = False) -> NodeState | Refusal:
    """Add an instance that the node runs, or return why it cannot.

    Args:
        state: the node before.
        placed: the instance; its secondary, if any, is accounted for elsewhere.
        ignore_soft: accept what breaks N+1, ratios, minima or exclusion tags.
    """
    instance = placed.instance
    used = instance.memory if instance.uses_memory else 0
    real = _figures(state, state.real, placed) | {Figure.MEMORY: used, Figure.FREE_MEMORY: state.unallocated_memory}
    planned = _figures(state, state.planned, placed)
    planned |= {Figure.MEMORY: instance.memory, Figure.FREE_MEMORY: state.planned_free_memory}
    asked = _asked(state, placed)
    refusal = _refusal(state, placed, AS_PRIMARY, asked, (real, planned), ignore_soft=ignore_soft)
    if refusal is not None:
        return refusal
    changed = replace(
        state,
        planned=primary_ledger(state, state.planned, placed, 1),
        planned_free_memory=state.planned_free_memory - instance.memory,
        exclusion_tags=counted(state.exclusion_tags, placed.exclusion_tags, 1),
    )
    if instance.forthcoming:
        return changed
    changed = replace(
        changed,
        real=primary_ledger(state, state.real, placed, 1),
        instance_memory=state.instance_memory + used,
        location_score=state.location_score + placed.location_score + wishes_unmet(state, placed),
        location_pairs=counted(state.location_pairs, location_pairs(state, placed), 1),
    )
    return replace(changed, n1_failed=fails_n1(changed.unallocated_memory, changed.reserved_memory))


def add_secondary(
    state: NodeState, placed: Placed, primary: int, *, ignore_soft: bool = False, ignore_disks: bool = False
) -> NodeState | Refusal:
    """Add an instance that the node is secondary of, or return why it cannot.

    Args:
        state: the node before.
        placed: the instance.
        primary: position of the node that runs it.
        ignore_soft: accept what breaks N+1, ratios or minima.
        ignore_disks: do not need free disk (its disks are there already: fail-over from an offline primary).
    """
    instance = placed.instance
    needed = instance.memory if instance.uses_secondary_memory else 0
    peers = peer_set(state.peers, primary, peer_need(state.peers, primary) + needed)
    real = _figures(state, state.real, placed)
    real |= {Figure.FREE_MEMORY: state.unallocated_memory, Figure.RESERVED_AFTER: peers[0][1]}
    planned = _figures(state, state.planned, placed) | {Figure.FREE_MEMORY: state.planned_free_memory}
    asked = _asked(state, placed) - ({Only.NEW_DISKS} if ignore_disks else set())
    refusal = _refusal(state, placed, AS_SECONDARY, asked, (real, planned), ignore_soft=ignore_soft)
    if refusal is not None:
        return refusal
    changed = replace(state, planned=secondary_ledger(state, state.planned, placed, 1))
    if instance.forthcoming:
        return changed
    changed = replace(changed, real=secondary_ledger(state, state.real, placed, 1), peers=peers)
    return replace(changed, n1_failed=fails_n1(changed.unallocated_memory, changed.reserved_memory))
