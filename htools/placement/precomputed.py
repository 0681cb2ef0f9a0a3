"""What placement computes of a model before it knows the instance, and refusals for many sizes at once.

Tiered allocation tries one size after the other on a model that does not change, and mostly needs the reasons why a
size does not fit. These need no scores, so here sizes are rows of an array.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from htools.limits import SIZES_TIMES_CANDIDATES
from htools.model.arrays import Bools, Floats
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement.admission import CODE, MODES, FailoverRoom, Fits
from htools.placement.arrays import PlacementNodes
from htools.placement.outcomes import Targets
from htools.placement.vector_scores import moments, sequential_sum
from spec.allocator.admission import AS_SECONDARY, Figure, Limit, condition_for
from spec.allocator.cluster import Group
from spec.allocator.decisions import FailMode
from spec.allocator.requests import Limits

_REDUNDANCY = condition_for(AS_SECONDARY, Limit.N_PLUS_1)


class Ground:
    """Data that does not depend on the instance to place: kept for all tries on one state of the model.

    Attributes:
        rows: intp[rows], positions of the primaries, or of the single nodes, to try.
        allowed: for pairs, bool[rows, nodes], which nodes may be each primary's secondary.
        partners: number of candidates of each row.
    """

    def __init__(self, model: Model, nodes: PlacementNodes, targets: Targets) -> None:
        self.nodes = nodes
        self.targets = targets
        self._model = model
        self.paired = not isinstance(targets[0], int)
        pairs = [(target, ()) if isinstance(target, int) else target for target in targets]
        self.rows = np.array([nodes.position[primary] for primary, _ in pairs])
        self.kinds = [(node.group, node.exclusive) for node in model.nodes.values()]
        if self.paired:
            self.allowed = np.zeros((len(pairs), len(nodes.index)), dtype=bool)
            for row, (_, secondaries) in enumerate(pairs):
                self.allowed[row, [nodes.position[other] for other in secondaries]] = True
            self.partners = self.allowed.sum(axis=1)
            self.needs = nodes.needs_by_peer
        else:
            self.partners = np.ones(len(pairs), dtype=np.int64)
        self.sound = ~nodes.n1_failed
        self.places = any(node.location_tags for node in model.nodes.values())
        self._room: tuple[Limits, FailoverRoom] | None = None
        self._moments: tuple[float, Floats, Floats] | None = None
        self._offline: Floats | None = None

    def room(self, limits: Limits) -> FailoverRoom:
        """Return the memory that fail-overs need."""
        if self._room is None or self._room[0] != limits:
            self._room = (limits, FailoverRoom(self._model, self.nodes, limits))
        return self._room[1]

    @property
    def moments(self) -> tuple[float, Floats, Floats]:
        """Number of online nodes, and sums and variances of the components over them."""
        if self._moments is None:
            self._moments = moments(self.nodes.values[:, self.nodes.online])
        return self._moments

    @property
    def offline(self) -> Floats:
        """Sums of the components over offline nodes."""
        if self._offline is None:
            self._offline = sequential_sum(self.nodes.values[:, ~self.nodes.online])
        return self._offline

    def pair_codes(self, fits: Fits, size: int, some: NDArray[np.intp]) -> tuple[NDArray[np.int8], Floats, Bools]:
        """Return codes of pairs whose primary takes the instance, the memory then reserved, and where it is too little.

        Args:
            fits: the codes of single nodes.
            size: which of the instances.
            some: positions in `rows`.
        """
        nodes = self.nodes
        reserved = np.maximum(nodes.reserved, self.needs[self.rows[some]] + fits.failover_memory[size])
        lacking: Bools = _REDUNDANCY.refused({Figure.RESERVED_AFTER: reserved, Figure.FREE_MEMORY: nodes.free_memory})
        later = np.where(lacking & self.sound, np.int8(CODE[_REDUNDANCY.mode]), fits.after_n1[size])
        return np.where(fits.before_n1[size] > 0, fits.before_n1[size], later), reserved, lacking


def refusals(
    groups: Sequence[Group], ground: Ground, vms: Sequence[InstanceModel], *, soft: bool
) -> list[tuple[bool, Counter[FailMode]]]:
    """Return for each of several sizes whether some candidate takes the instance, and the reasons of the others.

    Redundancy of the cluster as a whole is not checked.
    """
    fits = Fits(groups, ground.nodes, ground.kinds, vms, soft=soft)
    codes = fits.primary[:, ground.rows]
    totals = np.zeros((len(vms), len(MODES) + 1), dtype=np.int64)
    for code in np.unique(codes):
        totals[:, code] = (codes == code) @ ground.partners
    if ground.paired:
        for size in np.flatnonzero(totals[:, 0]):
            totals[size, 0] = 0
            open_rows = np.flatnonzero(codes[size] == 0)
            step = max(1, SIZES_TIMES_CANDIDATES // len(ground.nodes.index))
            for start in range(0, len(open_rows), step):
                some = open_rows[start : start + step]
                pair_codes, _, _ = ground.pair_codes(fits, int(size), some)
                totals[size] += np.bincount(pair_codes[ground.allowed[some]], minlength=len(MODES) + 1)
    result = []
    for counts in totals.tolist():
        failures = Counter({mode: counts[code] for code, mode in enumerate(MODES, 1) if counts[code]})
        result.append((counts[0] > 0, failures))
    return result
