"""A node's accounts: what adding and removing instances makes of them, and when adding is refused.

A node's accounts are changed only by `add_primary`, `remove_primary`, `add_secondary` and `remove_secondary`, which
answer a new node or a refusal with its reason.

Source: man htools(1); the real programs' behaviour, observed through scores and `--print-nodes`.
"""

from dataclasses import replace

from spec.allocator.cluster import DiskTemplate
from spec.allocator.decisions import FailMode, Refusal
from spec.allocator.ledgers import (
    counted,
    location_pairs,
    peer_need,
    peer_set,
    primary_ledger,
    secondary_ledger,
    wishes_unmet,
)
from spec.allocator.state import Ledger, NodeState, Placed, ratio


def remove_primary(state: NodeState, placed: Placed) -> NodeState:
    """The node without an instance that it runs."""
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
    return replace(changed, n1_failed=changed.unallocated_memory <= changed.reserved_memory)


def remove_secondary(state: NodeState, placed: Placed) -> NodeState:
    """The node without an instance that it is secondary of (whose primary is still the recorded one)."""
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
    return replace(changed, n1_failed=changed.unallocated_memory <= changed.reserved_memory)


def _planned_disk_refusal(state: NodeState, ledger: Ledger) -> Refusal | None:
    index = state.index
    if ledger.free_disk <= 0:
        return Refusal(FailMode.DISK, index, "free disk with forthcoming instances", ledger.free_disk, 1)
    if ledger.free_disk < state.low_disk:
        what = "disk above the minimum with forthcoming instances"
        return Refusal(FailMode.DISK, index, what, ledger.free_disk, state.low_disk)
    if state.node.exclusive_storage and ledger.free_spindles < 0:
        return Refusal(FailMode.SPINDLES, index, "free spindles with forthcoming instances", ledger.free_spindles)
    if ledger.spindle_use > state.high_spindles:
        what = "spindle use with forthcoming instances"
        return Refusal(FailMode.DISK, index, what, ledger.spindle_use, state.high_spindles)
    return None


def _planned_primary_refusal(state: NodeState, placed: Placed, ledger: Ledger) -> Refusal | None:
    instance, index = placed.instance, state.index
    free_memory = state.planned_free_memory - instance.memory
    if free_memory <= 0:
        return Refusal(FailMode.MEMORY, index, "free memory with forthcoming instances", free_memory, 1)
    refusal = _planned_disk_refusal(state, ledger) if instance.uses_local_storage else None
    if refusal is not None:
        return refusal
    cpu = ratio(ledger.used_cpus, state.node.total_cpus)
    if 0 <= state.policy.vcpu_ratio < cpu:
        return Refusal(FailMode.CPU, index, "vcpu ratio with forthcoming instances", cpu, state.policy.vcpu_ratio)
    return None


def add_primary(state: NodeState, placed: Placed, *, ignore_soft: bool = False) -> NodeState | Refusal:
    """The node running one more instance, or why it cannot.

    Args:
        state: the node before.
        placed: the instance; its secondary, if any, is accounted for elsewhere.
        ignore_soft: accept what breaks N+1, ratios, minima or exclusion tags.
    """
    instance, index, strict = placed.instance, state.index, not ignore_soft
    planned = primary_ledger(state, state.planned, placed, 1)
    changed = replace(
        state,
        planned=planned,
        planned_free_memory=state.planned_free_memory - instance.memory,
        exclusion_tags=counted(state.exclusion_tags, placed.exclusion_tags, 1),
    )
    if instance.forthcoming:
        refusal = _planned_primary_refusal(state, placed, planned) if strict else None
        return refusal or changed
    real = primary_ledger(state, state.real, placed, 1)
    changed = replace(
        changed,
        real=real,
        instance_memory=state.instance_memory + (instance.memory if instance.uses_memory else 0),
        location_score=state.location_score + placed.location_score + wishes_unmet(state, placed),
        location_pairs=counted(state.location_pairs, location_pairs(state, placed), 1),
    )
    free, reserved = changed.unallocated_memory, state.reserved_memory
    if free <= 0:
        return Refusal(FailMode.MEMORY, index, "free memory", free, 1, soft=False)
    if instance.uses_local_storage:
        if real.free_disk <= 0:
            return Refusal(FailMode.DISK, index, "free disk", real.free_disk, 1, soft=False)
        if strict and real.free_disk < state.low_disk:
            return Refusal(FailMode.DISK, index, "disk above the minimum", real.free_disk, state.low_disk)
        if state.node.exclusive_storage and real.free_spindles < 0:
            return Refusal(FailMode.SPINDLES, index, "free spindles", real.free_spindles, soft=False)
        if strict and real.spindle_use > state.high_spindles:
            return Refusal(FailMode.DISK, index, "spindle use", real.spindle_use, state.high_spindles)
    if strict:
        if free <= reserved and not state.n1_failed:
            return Refusal(FailMode.MEMORY, index, "memory above the N+1 reserve", free, reserved + 1)
        cpu = ratio(real.used_cpus, state.node.total_cpus)
        if 0 <= state.policy.vcpu_ratio < cpu:
            return Refusal(FailMode.CPU, index, "vcpu ratio", cpu, state.policy.vcpu_ratio)
        clash = next((tag for tag in placed.exclusion_tags if tag in state.exclusion_tags), None)
        if clash is not None:
            return Refusal(FailMode.TAGS, index, f"exclusion tag {clash}")
        refusal = _planned_primary_refusal(state, placed, planned)
        if refusal is not None:
            return refusal
    return replace(changed, n1_failed=free <= reserved)


def _planned_secondary_refusal(state: NodeState, placed: Placed, ledger: Ledger, needed: int) -> Refusal | None:
    index = state.index
    if placed.instance.disk_template is not DiskTemplate.DRBD:
        return Refusal(FailMode.DISK, index, "a disk template with a secondary")
    refusal = _planned_disk_refusal(state, ledger)
    if refusal is not None:
        return refusal
    if needed >= state.planned_free_memory:
        what = "memory for fail-over with forthcoming instances"
        return Refusal(FailMode.MEMORY, index, what, state.planned_free_memory, needed + 1)
    return None


def add_secondary(
    state: NodeState, placed: Placed, primary: int, *, ignore_soft: bool = False, ignore_disks: bool = False
) -> NodeState | Refusal:
    """The node being secondary of one more instance, or why it cannot.

    Args:
        state: the node before.
        placed: the instance.
        primary: position of the node that runs it.
        ignore_soft: accept what breaks N+1, ratios or minima.
        ignore_disks: do not ask for free disk (its disks are there already: fail-over off an offline primary).
    """
    instance, index, strict = placed.instance, state.index, not ignore_soft
    needed = instance.memory if instance.uses_secondary_memory else 0
    planned = secondary_ledger(state, state.planned, placed, 1)
    changed = replace(state, planned=planned)
    if instance.forthcoming:
        refusal = _planned_secondary_refusal(state, placed, planned, needed) if strict else None
        return refusal or changed
    real = secondary_ledger(state, state.real, placed, 1)
    need = peer_need(state.peers, primary) + needed
    changed = replace(changed, real=real, peers=peer_set(state.peers, primary, need))
    free = state.unallocated_memory
    if instance.disk_template is not DiskTemplate.DRBD:
        return Refusal(FailMode.DISK, index, "a disk template with a secondary", soft=False)
    if not ignore_disks and real.free_disk <= 0:
        return Refusal(FailMode.DISK, index, "free disk", real.free_disk, 1, soft=False)
    if strict and real.free_disk < state.low_disk:
        return Refusal(FailMode.DISK, index, "disk above the minimum", real.free_disk, state.low_disk)
    if state.node.exclusive_storage and real.free_spindles < 0:
        return Refusal(FailMode.SPINDLES, index, "free spindles", real.free_spindles, soft=False)
    failed = free <= changed.reserved_memory
    if strict:
        if real.spindle_use > state.high_spindles:
            return Refusal(FailMode.DISK, index, "spindle use", real.spindle_use, state.high_spindles)
        if needed >= free:
            return Refusal(FailMode.MEMORY, index, "memory for fail-over", free, needed + 1)
        if failed and not state.n1_failed:
            what = "memory above the N+1 reserve"
            return Refusal(FailMode.MEMORY, index, what, free, changed.reserved_memory + 1)
        refusal = _planned_secondary_refusal(state, placed, planned, needed)
        if refusal is not None:
            return refusal
    return replace(changed, n1_failed=failed)
