"""Placement without vectors, for few candidates; its methods are those of `htools.placement.vector_placer.Placer`."""

from collections.abc import Sequence

from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement.one_by_one import try_all
from htools.placement.outcomes import Allocation, NoTargets, Outcome, Targets, with_allocation
from htools.placement.redundancy import redundant
from spec.allocator.cluster import Group
from spec.allocator.requests import Limits


class PlainPlacer:
    """Tries instances on a model, candidate by candidate."""

    def __init__(self, model: Model, groups: Sequence[Group], *, soft: bool) -> None:
        self._model, self._groups, self._soft = model, groups, soft

    def try_all(self, vm: InstanceModel, targets: Targets, required: int, limits: Limits) -> Outcome:
        """Try every candidate.

        Raises:
            NoTargets: there are no candidates; the text is Ganeti's.
        """

        def good(allocation: Allocation) -> bool:
            return not limits.capacity or redundant(with_allocation(self._model, allocation), self._groups, limits)

        if not targets:
            raise NoTargets("No online nodes" if required == 1 else "Not enough online nodes")
        return try_all(self._model, self._groups, vm, targets, soft=self._soft, good=good)
