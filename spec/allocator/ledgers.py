"""The change of each figure of a node's accounts by one instance; pure arithmetic.

A sign of +1 adds, −1 removes. `spec.allocator.accounts` decides whether a node takes an instance.

Source: man htools(1); Ganeti's behaviour, observed through scores and `--print-nodes`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from spec.allocator.cluster import Instance, Utilisation
from spec.allocator.state import Ledger, NodeState, Placed

_Key = TypeVar("_Key", str, tuple[str, str])


def _spindle_use(state: NodeState, ledger: Ledger, instance: Instance, sign: int) -> float:
    if state.node.exclusive_storage:
        return 0.0
    return ledger.spindle_use + sign * instance.spindle_use if instance.uses_local_storage else ledger.spindle_use


def _free_spindles(state: NodeState, ledger: Ledger, instance: Instance, sign: int) -> int:
    if not state.node.exclusive_storage:
        return 0
    spindles = instance.total_spindles
    if spindles is None:  # unknown: refused when added, ignored when removed
        return -1 if sign > 0 else ledger.free_spindles
    return ledger.free_spindles - sign * spindles


def _add_load(load: Utilisation, other: Utilisation, sign: int) -> Utilisation:
    return Utilisation(
        load.cpu + sign * other.cpu,
        load.memory + sign * other.memory,
        load.disk + sign * other.disk,
        load.network + sign * other.network,
    )


def primary_ledger(state: NodeState, ledger: Ledger, placed: Placed, sign: int) -> Ledger:
    """Add an instance that the node runs to one of its ledgers, or remove it."""
    instance = placed.instance
    return Ledger(
        primaries=_listed(ledger.primaries, placed.index, sign),
        secondaries=ledger.secondaries,
        free_disk=ledger.free_disk - sign * (instance.disk if instance.uses_local_storage else 0),
        used_cpus=ledger.used_cpus + sign * (instance.vcpus if instance.online else 0),
        free_spindles=_free_spindles(state, ledger, instance, sign),
        spindle_use=_spindle_use(state, ledger, instance, sign),
        load=_add_load(ledger.load, instance.utilisation, sign),
    )


def secondary_ledger(state: NodeState, ledger: Ledger, placed: Placed, sign: int) -> Ledger:
    """Add an instance that the node is secondary of to one of its ledgers, or remove it."""
    instance = placed.instance
    uses_disk = sign > 0 or instance.uses_local_storage
    return Ledger(
        primaries=ledger.primaries,
        secondaries=_listed(ledger.secondaries, placed.index, sign),
        free_disk=ledger.free_disk - sign * (instance.disk if uses_disk else 0),
        used_cpus=ledger.used_cpus,
        free_spindles=_free_spindles(state, ledger, instance, sign),
        spindle_use=_spindle_use(state, ledger, instance, sign),
        load=replace(ledger.load, disk=ledger.load.disk + sign * instance.utilisation.disk),
    )


def _listed(indices: tuple[int, ...], index: int, sign: int) -> tuple[int, ...]:
    if sign > 0:
        return (index, *indices)
    if index not in indices:
        return indices
    at = indices.index(index)
    return indices[:at] + indices[at + 1 :]


def counted(counts: Mapping[_Key, int], keys: tuple[_Key, ...], sign: int) -> Mapping[_Key, int]:
    """Add the sign to the count of each key; a key whose count is 0 is left out."""
    changed = dict(counts)
    for key in keys:
        changed[key] = changed.get(key, 0) + sign
        if changed[key] <= 0:
            del changed[key]
    return changed


def location_pairs(state: NodeState, placed: Placed) -> tuple[tuple[str, str], ...]:
    """Return every exclusion tag of an instance in every place of a node."""
    return tuple((place, tag) for place in sorted(state.location_tags) for tag in placed.exclusion_tags)


def wishes_unmet(state: NodeState, placed: Placed) -> int:
    """Count the places that an instance wants and that the node is not in."""
    return len(placed.desired_locations - state.location_tags)


def peer_set(peers: tuple[tuple[int, int], ...], node: int, memory: int) -> tuple[tuple[int, int], ...]:
    """Return the peers with one node's need set; larger needs first, among equals the latest set first."""
    others = [peer for peer in peers if peer[0] != node]
    at = sum(1 for _, other in others if other > memory)
    return (*others[:at], (node, memory), *others[at:])


def peer_need(peers: tuple[tuple[int, int], ...], node: int) -> int:
    """Return the MiB needed here if that node fails; 0 for one that is no peer."""
    return next((memory for peer, memory in peers if peer == node), 0)
