"""How many more instances fit: the answer of hspace.

Standard allocation places instances of one size until one does not fit. Tiered allocation then makes the instance
smaller in the resource that failed most and goes on, until nothing fits; where that does not help it tries the other
failing resources for the largest instance that would fit.

Redundancy is not checked at every step: many instances are placed without a check, and only if the result is not
globally N+1 redundant they are placed in smaller portions, and finally one by one. For mirrored instances it is not
checked one by one either, as in Ganeti.

Source: man hspace(1); Ganeti's design documents on hspace; the answers of hspace 3.0.2.

>>> from spec.allocator.example import instance, state
>>> new = Placed(-1, instance(memory=3000))
>>> empty = Filled({}, state(nodes=2))
>>> unguarded = fill(empty, new, [0, 1], Limits(capacity=False), None)
>>> len(unguarded.placed), {mode.value: count for mode, count in unguarded.failures.items()}
(4, {'FailMem': 2})
>>> len(fill(empty, new, [0, 1], Limits(), None).placed)  # one node must be able to run all
2
>>> tiers = fill_tiers(empty, new, [0, 1], Limits(capacity=False), None)
>>> [placed.instance.memory for placed in tiers.placed]
[3000, 3000, 3000, 3000, 1976, 1976]
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from spec.allocator.candidates import Outcome
from spec.allocator.cluster import Disk, DiskTemplate
from spec.allocator.decisions import FailMode
from spec.allocator.placement import NoTargets, Targets, try_all
from spec.allocator.redundancy import redundant
from spec.allocator.requests import Limits
from spec.allocator.state import Placed, State

UNIT_MEMORY = 64
"""MiB by which memory is made smaller."""
UNIT_DISK = 256
"""MiB by which each disk is made smaller."""
_LEAST_PORTION = 20
_SMALL_PORTION = 10


@dataclass(frozen=True, slots=True)
class Filled:
    """A cluster with instances placed on it.

    Attributes:
        failures: why the last instance did not fit, for each reason the number of candidates.
        state: the cluster.
        placed: the instances, in the order they were placed.
    """

    failures: Mapping[FailMode, int]
    state: State
    placed: tuple[Placed, ...] = ()


def available_memory(state: State) -> int:
    """Return the MiB on all nodes that neither instances nor fail-over reserves take."""
    return sum(max(0, node.unallocated_memory - node.reserved_memory) for node in state.nodes.values())


def _attempt(state: State, new: Placed, targets: Targets, required: int, limits: Limits) -> Outcome:
    return try_all(state, new, targets, required, limits)


def _one_by_one(filled: Filled, new: Placed, targets: Targets, limits: Limits, limit: int | None) -> Filled:
    """Place instances until one does not fit or `limit` are placed; then say why the next would fail."""
    required = 2 if new.instance.disk_template is DiskTemplate.DRBD else 1
    if required == 2:
        limits = replace(limits, capacity=False)
    while True:
        state, placed = filled.state, filled.placed
        position = len(state.instances)
        named = replace(new, index=position, instance=replace(new.instance, name=f"new-{len(placed)}"))
        outcome = _attempt(state, named, targets, required, limits)
        if outcome.best is None or limit == 0:
            return Filled(outcome.failures, state, placed)
        best = outcome.best
        nodes = {**state.nodes, **{node.index: node for node in best.nodes}}
        state = State(nodes, {**state.instances, position: best.placed})
        filled = Filled({}, state, (*placed, best.placed))
        limit = None if limit is None else limit - 1


def fill(filled: Filled, new: Placed, targets: Targets, limits: Limits, limit: int | None) -> Filled:
    """Place instances of one size until one does not fit: standard allocation.

    Args:
        filled: the cluster before.
        new: the instance to place again and again.
        targets: the candidates.
        limits: whether redundancy is kept, and of which groups.
        limit: largest number of instances, None for any number.

    Raises:
        NoTargets: there are no candidates.
    """
    huge = True
    unguarded = replace(limits, capacity=False)
    while limits.capacity:
        capacity = available_memory(filled.state) // new.instance.memory
        portion = max(_LEAST_PORTION, capacity - len(filled.state.nodes)) if huge else _SMALL_PORTION
        now = portion if limit is None else min(portion, limit)
        after = _one_by_one(filled, new, targets, unguarded, now)
        if redundant(after.state, limits):
            rest = None if limit is None else max(0, limit - portion)
            if rest == 0 or len(after.placed) == len(filled.placed):
                return after
            filled, limit = after, rest
        elif huge:
            huge = False
        else:
            break
    return _one_by_one(filled, new, targets, limits, limit)


def smaller(new: Placed, failure: FailMode) -> Placed | None:
    """Make the instance smaller by one unit of the resource that failed, None where that is impossible."""
    instance = new.instance
    match failure:
        case FailMode.MEMORY:
            memory = instance.memory - UNIT_MEMORY
            return replace(new, instance=replace(instance, memory=memory)) if memory >= UNIT_MEMORY else None
        case FailMode.DISK:
            disks = tuple(Disk(disk.size - UNIT_DISK, disk.spindles) for disk in instance.disks)
            if any(disk.size < UNIT_DISK for disk in disks):
                return None
            size = instance.disk - len(disks) * UNIT_DISK
            return replace(new, instance=replace(instance, disk=size, disks=disks))
        case FailMode.CPU:
            return replace(new, instance=replace(instance, vcpus=instance.vcpus - 1)) if instance.vcpus > 1 else None
        case FailMode.SPINDLES:
            if len(instance.disks) != 1 or (instance.disks[0].spindles or 0) < 2:
                return None
            disk = instance.disks[0]
            fewer = (Disk(disk.size, (disk.spindles or 0) - 1),)
            return replace(new, instance=replace(instance, disks=fewer))
        case _:
            return None


def _sizes(new: Placed, failure: FailMode) -> Iterator[Placed]:
    """Yield the instance and its smaller versions without the smallest one, as Ganeti lists them."""
    less = smaller(new, failure)
    while less is not None:
        yield new
        new, less = less, smaller(less, failure)


def _suffices(filled: Filled, new: Placed, failure: FailMode, targets: Targets, limits: Limits) -> Placed | None:
    """Return the largest instance that fits, made smaller in one resource while that resource is the one that fails."""
    required = 2 if new.instance.disk_template is DiskTemplate.DRBD else 1
    for candidate in _sizes(new, failure):
        try:
            outcome = _attempt(filled.state, candidate, targets, required, limits)
        except NoTargets:
            return None
        if outcome.best is not None:
            return candidate
        if not outcome.failures.get(failure):
            return None
    return None


def reasons(failures: Mapping[FailMode, int]) -> list[FailMode]:
    """List all reasons from the rarest to the most frequent; equally frequent ones in the order of `FailMode`."""
    return sorted(FailMode, key=lambda mode: failures.get(mode, 0))


def fill_tiers(filled: Filled, new: Placed, targets: Targets, limits: Limits, limit: int | None) -> Filled:
    """Place instances, making them smaller when one does not fit: tiered allocation. Arguments as for `fill`."""
    done = fill(filled, new, targets, limits, limit)
    count = len(done.placed)
    if limit is not None and limit <= count:
        return done
    rest = None if limit is None else limit - count
    order = reasons(done.failures)
    less = smaller(new, order[-1])
    if less is not None:
        further = fill_tiers(done, less, targets, limits, rest)
        if len(further.placed) > count:
            return further
    for failure in reversed(order):
        fitting = _suffices(done, new, failure, targets, limits)
        if fitting is not None:
            return fill_tiers(done, fitting, targets, limits, rest)
    return done
