"""Ever smaller sizes of an instance, and which of them fit on a model that does not change.

Tiered allocation reduces a size unit by unit. From every size that does not fit, it searches along each resource that
failed. The result of a search depends only on the size where it starts, so it is kept for every size on its way. Sizes
in one direction are tried together (`htools.placement.precomputed.refusals`), twice as many each time.
"""

from collections import Counter
from dataclasses import dataclass, replace

from htools.limits import SIZES_AHEAD
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement.arrays import Unsuitable
from htools.placement.outcomes import NEW, Targets
from htools.placement.vector_placer import Placer
from spec.allocator.cluster import Disk, Instance
from spec.allocator.decisions import FailMode
from spec.allocator.requests import Limits

UNIT_MEMORY, UNIT_DISK = 64, 256
"""MiB by which memory and disks are reduced."""


def smaller(instance: Instance, failure: FailMode) -> Instance | None:
    """Return the instance with one unit less of what failed, None if that is not possible."""
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


@dataclass(frozen=True, slots=True)
class Trial:
    """Whether one size fits anywhere without regard to redundancy, and the reasons of the candidates that refuse it."""

    fits: bool
    failures: Counter[FailMode]


class Trials:
    """The trials of one instance's sizes on one model.

    Args:
        placer: tries them; its model must stay as it is.
        targets: the candidates.
        required: nodes an instance needs.
        limits: whether `first_fitting` must keep redundancy.
    """

    def __init__(self, placer: Placer, targets: Targets, required: int, limits: Limits) -> None:
        self.model: Model = placer.model
        self._placer = placer
        self._targets = targets
        self._required = required
        self._limits = limits
        self._known: dict[Instance, Trial] = {}
        self._found: dict[tuple[Instance, FailMode], Instance | None] = {}
        self._ahead = 1

    def of(self, new: Instance, toward: FailMode | None = None) -> Trial:
        """Return the trial of one size; `toward` is the resource in which the next sizes will probably be reduced."""
        if new not in self._known:
            ahead = [new]
            while toward is not None and len(ahead) < self._ahead:
                less = smaller(ahead[-1], toward)
                if less is None:
                    break
                ahead.append(less)
            self._ahead = min(SIZES_AHEAD, self._ahead * 2)
            self._known.update(zip(ahead, self._try(ahead), strict=True))
        return self._known[new]

    def _try(self, sizes: list[Instance]) -> list[Trial]:
        vms = [InstanceModel(NEW, size) for size in sizes]
        try:
            return [Trial(fits, failures) for fits, failures in self._placer.refusals(vms, self._targets)]
        except Unsuitable:
            unguarded = replace(self._limits, capacity=False)
            outcomes = [self._placer.try_all(vm, self._targets, self._required, unguarded) for vm in vms]
            return [Trial(outcome.best is not None, outcome.failures) for outcome in outcomes]

    def _verdict(self, new: Instance, failure: FailMode) -> tuple[bool, bool]:
        """Return whether a size fits, and whether that resource is among the reasons of refusals."""
        trial = self.of(new, failure)
        if not trial.fits or not self._limits.capacity:
            return trial.fits, bool(trial.failures[failure])
        outcome = self._placer.try_all(InstanceModel(NEW, new), self._targets, self._required, self._limits)
        return outcome.best is not None, bool(outcome.failures[failure])

    def first_fitting(self, new: Instance, failure: FailMode) -> Instance | None:
        """Return the largest size that fits, reduced in one resource while that resource is a reason of failure.

        The smallest possible size is never tried, as specified.
        """
        passed: list[Instance] = []
        found = None
        while self._targets and (less := smaller(new, failure)) is not None:
            if (new, failure) in self._found:
                found = self._found[new, failure]
                break
            passed.append(new)
            fits, goes_on = self._verdict(new, failure)
            if fits:
                found = new
            if fits or not goes_on:
                break
            new = less
        self._found.update(((size, failure), found) for size in passed)
        return found
