"""Count how many more instances fit on the working model: the allocations of `spec.allocator.capacity`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from htools.capacity.tiers import Trials, smaller
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement.outcomes import Targets
from htools.placement.redundancy import redundant
from htools.placement.vector_placer import Placer
from spec.allocator.cluster import Group, Instance
from spec.allocator.decisions import FailMode
from spec.allocator.requests import Limits

_LEAST_PORTION, _SMALL_PORTION = 20, 10

_MODES = tuple(FailMode)


class Unmeasurable(Exception):  # noqa: N818 - the caller says it in its own words
    """An instance without memory fits, but the number to place at once is computed from its memory."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A model with the instances placed on it, in order, and why no further one fits.

    Attributes:
        reasons: for each reason the number of candidates that were refused for it; empty if none was tried.
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
        self._tried: Trials | None = None
        self._verdict: tuple[Model, bool] | None = None

    def _placer(self, model: Model) -> Placer:
        """Return a placer for a model; the placer that made the model is used again."""
        if self._known is not None and self._known.model is model:
            return self._known
        return Placer(model, self._groups, soft=self._limits.ignore_soft)

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
                reasons = tuple((mode, outcome.failures[mode]) for mode in _MODES)
                return Filled(outcome.failures, placer.model, tuple(placed), reasons)
            placer.commit(outcome.best)
            placed.append(outcome.best.vm)
            limit = None if limit is None else limit - 1

    def fill(self, filled: Filled, new: Instance, limit: int | None) -> Filled:
        """Place at most `limit` equal instances (None: as many as fit).

        Raises:
            NoTargets: there are no candidates.
            Unmeasurable: redundancy must be kept, and the instance has no memory.
        """
        limits, huge = self._limits, True
        unguarded = replace(limits, capacity=False)
        if limits.capacity and not new.memory:
            if self._targets and self._trials(filled.model).of(new).fits:
                raise Unmeasurable
            return self._one_by_one(filled, new, unguarded, limit)
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

    def _trials(self, model: Model) -> Trials:
        """Return the trials on a model; they are kept until the model changes."""
        if self._tried is None or self._tried.model is not model:
            self._known = self._placer(model)
            self._tried = Trials(self._known.copy(), self._targets, self._required, self._limits)
        return self._tried

    def _fill_knowing(self, filled: Filled, new: Instance, limit: int | None, toward: FailMode | None) -> Filled:
        """Do what `fill` does, without placing where nothing fits; `toward` is the resource that is being reduced.

        Where a trial without redundancy finds no place, `fill` would return the reasons of this trial.
        """
        if self._targets:
            trial = self._trials(filled.model).of(new, toward)
            if not trial.fits:
                reasons = tuple((mode, trial.failures[mode]) for mode in _MODES)
                return Filled(trial.failures, filled.model, filled.placed, reasons)
        return self.fill(filled, new, limit)

    def fill_tiers(self, filled: Filled, new: Instance, limit: int | None) -> Filled:
        """Place instances of ever smaller sizes (tiered allocation).

        The specification recurses into every smaller size, thousands of levels where little fits. Here a list holds the
        sizes that wait for the result of a smaller one.
        """
        waiting: list[tuple[Filled, Instance, int | None, list[FailMode]]] = []
        toward: FailMode | None = None
        while True:
            result = self._fill_knowing(filled, new, limit, toward)
            count = len(result.placed)
            if limit is None or limit > count:
                rest = None if limit is None else limit - count
                order = sorted(_MODES, key=lambda mode: result.failures.get(mode, 0))
                waiting.append((result, new, rest, order))
                less = smaller(new, order[-1])
                if less is not None:
                    filled, new, limit, toward = result, less, rest, order[-1]
                    continue
            while waiting:
                done, size, rest, order = waiting.pop()
                if len(result.placed) > len(done.placed):
                    return result
                fitting = self._fitting(done.model, size, order)
                if fitting is not None:
                    filled, new, limit, toward = done, fitting, rest, None
                    break
                result = done
            else:
                return result

    def _fitting(self, model: Model, new: Instance, order: list[FailMode]) -> Instance | None:
        """Return a smaller size that fits, reduced in the resource that failed most often; None if there is none."""
        trials = self._trials(model)
        found = (trials.first_fitting(new, failure) for failure in reversed(order))
        return next((instance for instance in found if instance is not None), None)


def named(new: Instance, position: int, count: int) -> InstanceModel:
    """Return the instance with the name and position of the next one."""
    return InstanceModel(position, replace(new, name=f"new-{count}"))
