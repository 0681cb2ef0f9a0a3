"""How many more instances fit, on the working model: standard and tiered allocation as `spec.capacity` defines them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from htools.model import Model
from htools.outcomes import NEW, NoTargets, Targets
from htools.placing import Placer
from htools.refuge import redundant
from htools.vm import InstanceModel
from spec.cluster import Disk, Group, Instance
from spec.decisions import FailMode
from spec.requests import Limits

UNIT_MEMORY, UNIT_DISK = 64, 256
"""MiB by which memory and disks are made smaller."""
_LEAST_PORTION, _SMALL_PORTION = 20, 10


@dataclass(frozen=True, slots=True)
class Filled:
    """A model with instances placed on it, in their order, and why the last one did not fit.

    Attributes:
        reasons: for every reason the number of candidates that it kept out; nothing at all where none was tried.
    """

    failures: Mapping[FailMode, int]
    model: Model
    placed: tuple[InstanceModel, ...] = ()
    reasons: tuple[tuple[FailMode, int], ...] = ()


class Filler:
    """Places instances on copies of a model.

    Args:
        groups: the cluster's groups.
        targets: the candidates.
        required: nodes an instance needs.
        limits: whether redundancy is kept, and for whom.
    """

    def __init__(self, groups: tuple[Group, ...], targets: Targets, required: int, limits: Limits) -> None:
        self._groups = groups
        self._targets = targets
        self._required = required
        self._limits = limits
        self._known: Placer | None = None
        self._verdict: tuple[Model, bool] | None = None

    def _placer(self, model: Model) -> Placer:
        """A placer that stands at a model; the one that made the model goes on from there."""
        if self._known is not None and self._known.model is model:
            return self._known
        return Placer(Model(dict(model.nodes), dict(model.instances)), self._groups, soft=self._limits.ignore_soft)

    def _redundant(self, model: Model) -> bool:
        if self._verdict is None or self._verdict[0] is not model:
            self._verdict = (model, redundant(model, self._groups, self._limits))
        return self._verdict[1]

    def _one_by_one(self, filled: Filled, new: Instance, limits: Limits, limit: int | None) -> Filled:
        if self._required == 2:
            limits = replace(limits, capacity=False)
        placer = self._placer(filled.model)
        placed = list(filled.placed)
        while True:
            vm = named(new, len(placer.model.instances), len(placed))
            outcome = placer.try_all(vm, self._targets, self._required, limits)
            if outcome.best is None or limit == 0:
                self._known = placer
                reasons = tuple((mode, outcome.failures[mode]) for mode in FailMode)
                return Filled(outcome.failures, placer.model, tuple(placed), reasons)
            placer.commit(outcome.best)
            placed.append(outcome.best.vm)
            limit = None if limit is None else limit - 1

    def fill(self, filled: Filled, new: Instance, limit: int | None) -> Filled:
        """Standard allocation of at most `limit` instances (None: any number)."""
        limits, huge = self._limits, True
        unguarded = replace(limits, capacity=False)
        while limits.capacity:
            nodes = filled.model.nodes.values()
            capacity = sum(node.available_memory for node in nodes) // new.memory
            portion = max(_LEAST_PORTION, capacity - len(filled.model.nodes)) if huge else _SMALL_PORTION
            after = self._one_by_one(filled, new, unguarded, portion if limit is None else min(portion, limit))
            if self._redundant(after.model):
                rest = None if limit is None else max(0, limit - portion)
                if rest == 0 or len(after.placed) == len(filled.placed):
                    return after
                filled, limit = after, rest
            elif huge:
                huge = False
            else:
                break
        return self._one_by_one(filled, new, limits, limit)

    def _suffices(self, filled: Filled, new: Instance, failure: FailMode) -> Instance | None:
        placer = self._placer(filled.model)
        for candidate in _sizes(new, failure):
            vm = InstanceModel(NEW, candidate)
            try:
                outcome = placer.try_all(vm, self._targets, self._required, self._limits)
            except NoTargets:
                return None
            if outcome.best is not None:
                return candidate
            if not outcome.failures[failure]:
                return None
        return None

    def fill_tiers(self, filled: Filled, new: Instance, limit: int | None) -> Filled:
        """Tiered allocation: smaller and smaller instances."""
        while True:
            done = self.fill(filled, new, limit)
            count = len(done.placed)
            if limit is not None and limit <= count:
                return done
            rest = None if limit is None else limit - count
            order = sorted(FailMode, key=lambda mode: done.failures.get(mode, 0))
            less = smaller(new, order[-1])
            if less is not None:
                further = self.fill_tiers(done, less, rest)
                if len(further.placed) > count:
                    return further
            found = (self._suffices(done, new, failure) for failure in reversed(order))
            fitting = next((instance for instance in found if instance is not None), None)
            if fitting is None:
                return done
            filled, new, limit = done, fitting, rest


def named(new: Instance, position: int, count: int) -> InstanceModel:
    """The instance under the name and position that the next one gets."""
    return InstanceModel(position, replace(new, name=f"new-{count}"))


def smaller(instance: Instance, failure: FailMode) -> Instance | None:
    """The instance made smaller by one unit of what failed, None where that cannot be."""
    match failure:
        case FailMode.MEMORY if instance.memory - UNIT_MEMORY >= UNIT_MEMORY:
            return replace(instance, memory=instance.memory - UNIT_MEMORY)
        case FailMode.DISK if all(disk.size - UNIT_DISK >= UNIT_DISK for disk in instance.disks):
            disks = tuple(Disk(disk.size - UNIT_DISK, disk.spindles) for disk in instance.disks)
            return replace(instance, disk=instance.disk - len(disks) * UNIT_DISK, disks=disks)
        case FailMode.CPU if instance.vcpus > 1:
            return replace(instance, vcpus=instance.vcpus - 1)
        case FailMode.SPINDLES if len(instance.disks) == 1 and (instance.disks[0].spindles or 0) > 1:
            disk = instance.disks[0]
            return replace(instance, disks=(Disk(disk.size, (disk.spindles or 0) - 1),))
        case _:
            return None


def _sizes(new: Instance, failure: FailMode) -> Iterator[Instance]:
    """The instance and its smaller versions, without the smallest one."""
    less = smaller(new, failure)
    while less is not None:
        yield new
        new, less = less, smaller(less, failure)
