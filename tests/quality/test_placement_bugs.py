"""Bugs planted in placement, capacity and squeezing; the comparison with the specification must find each."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest

from htools.backends import text
from htools.capacity import fill, tiers
from htools.commandline.options import Spec
from htools.hspace import instance_from, spec_from
from htools.iallocator import dedicated, evacuation, fast_paths, group_scores
from htools.maintenance import squeeze
from htools.model.cluster import Model
from htools.placement import admission, one_by_one, redundancy, vector_pairs
from htools.placement.outcomes import Outcome, candidates
from spec.allocator import capacity as spec_capacity
from spec.allocator import squeeze as plain
from spec.allocator.cluster import Cluster, DiskTemplate
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.evacuation import EvacuationError
from spec.allocator.initial import initial_state
from spec.allocator.requests import Limits
from spec.allocator.state import Placed
from tests.conformance.random_clusters import random_cluster
from tests.conformance.random_requests import MOVING
from tests.htools.capacity.test_fill import filled_as_specified
from tests.htools.iallocator.test_fast_paths import DEDICATED, always_quick, compare_tries  # noqa: F401 - a fixture
from tests.htools.iallocator.test_fast_paths import compare as compare_means
from tests.htools.placement.test_vector_placer import compare
from tests.htools.test_placement_properties import Small

Patch = Callable[[pytest.MonkeyPatch], None]


def first_of_equals(patch: pytest.MonkeyPatch) -> None:
    """Among equal primaries the first one wins."""

    def join(self: Outcome, other: Outcome) -> None:
        self.failures.update(other.failures)
        self.successes += other.successes
        if other.best is not None and (self.best is None or other.best.metric < self.best.metric):
            self.best = other.best

    patch.setattr(Outcome, "join", join)


def no_redundancy(patch: pytest.MonkeyPatch) -> None:
    """Every node counts as evacuable."""
    patch.setattr(redundancy, "evacuable", lambda *_: True)


def policy_ignored(patch: pytest.MonkeyPatch) -> None:
    """The instance policy is not checked for all nodes together."""
    patch.setattr(admission, "policy_failure", lambda *_, **__: None)


def secondary_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The secondary's change does not count in the score."""
    honest = vector_pairs._secondary_values

    def forgetful(nodes: Any, vm: Any) -> Any:
        honest(nodes, vm)
        return nodes.values.copy()

    patch.setattr(vector_pairs, "_secondary_values", forgetful)


def recompute_variance(patch: pytest.MonkeyPatch) -> None:
    """The score is computed again instead of updated, which differs in the last bits."""

    def replaced(self: Any, changes: Any) -> float:
        from htools.model.score import score

        swapped = {id(old): new for old, new in changes}
        return score(swapped.get(id(node), node) for node in self.nodes)

    honest = one_by_one.Statistics.__init__

    def remember(self: Any, nodes: Any) -> None:
        honest(self, nodes)
        KEPT.append(nodes)

    patch.setattr(one_by_one.Statistics, "__init__", remember)
    patch.setattr(one_by_one.Statistics, "replaced", lambda self, changes: replaced(Remembered(), changes))


KEPT: list[Any] = []


class Remembered:
    @property
    def nodes(self) -> Any:
        return KEPT[-1]


def one_room_for_each(patch: pytest.MonkeyPatch) -> None:
    """Room for each instance alone is taken for room for all of them."""
    honest = redundancy._room_for_all
    patch.setattr(
        redundancy,
        "_room_for_all",
        lambda node, others, vms, groups, needs: all(honest(node, others, [vm], groups, needs) for vm in vms),
    )


def migration_tags_ignored(patch: pytest.MonkeyPatch) -> None:
    """Fail-over ignores migration tags when a pair is judged."""
    patch.setattr(vector_pairs.PairTrial, "_may_migrate", lambda self, rows, room: np.ones((len(rows), 1), dtype=bool))


FOUND = (AssertionError, TypeError)
"""How a bug shows: a comparison fails, or a placement found is refused."""

PLACEMENT: tuple[Patch, ...] = (
    first_of_equals,
    no_redundancy,
    policy_ignored,
    secondary_forgotten,
    recompute_variance,
    one_room_for_each,
    migration_tags_ignored,
)


RARE = (one_room_for_each, migration_tags_ignored)
"""Bugs that only few random clusters show."""


@pytest.mark.parametrize(
    "bug",
    [pytest.param(bug, id=bug.__name__, marks=[pytest.mark.long] if bug in RARE else []) for bug in PLACEMENT],
)
def test_placement_bugs_are_found(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises(FOUND):
        compare(range(2000))


def sizes_without_the_first(patch: pytest.MonkeyPatch) -> None:
    """Tiered allocation skips the size itself when it looks for one that fits; Gantry had this bug once."""
    honest = tiers.Trials.first_fitting

    def skipping(self: Any, new: Any, failure: Any) -> Any:
        less = tiers.smaller(new, failure)
        return None if less is None else honest(self, less, failure)

    patch.setattr(tiers.Trials, "first_fitting", skipping)


def looking_past_other_reasons(patch: pytest.MonkeyPatch) -> None:
    """The search for a smaller size continues where that resource is no reason any more."""
    honest = tiers.Trials._verdict
    patch.setattr(tiers.Trials, "_verdict", lambda self, new, failure: (honest(self, new, failure)[0], True))


def trials_of_another_model(patch: pytest.MonkeyPatch) -> None:
    """Results of sizes are kept after instances were placed, so that one size is tried for ever."""
    asked = count()

    def trials(self: Any, model: Any) -> Any:
        assert next(asked) < 1000, "goes round in circles"
        if self._tried is None:
            self._tried = tiers.Trials(self._placer(model), self._targets, self._required, self._limits)
        return self._tried

    patch.setattr(fill.Filler, "_trials", trials)


def always_one_by_one(patch: pytest.MonkeyPatch) -> None:
    """A portion is never found redundant, so that the reasons at a limit are those of a trial with the check."""
    patch.setattr(fill.Filler, "_redundant", lambda *_: False)


def tiers_as_specified() -> None:
    """Fill with tiers of shared-storage instances until redundancy refuses."""
    cluster = text.parse(random_cluster(17))
    new = instance_from(spec_from(cluster.policy.bounds[0].maximum), DiskTemplate.EXT, 1)
    limits, model = Limits(), Model.of(cluster, Settings())
    targets = candidates(model.nodes.values(), cluster.groups, 1, limits, allocable=True)
    state = initial_state(cluster)
    wanted = spec_capacity.fill_tiers(spec_capacity.Filled({}, state), Placed(-1, new), targets, limits, None)
    filler = fill.Filler(cluster.groups, targets, 1, limits)
    found = filler.fill_tiers(fill.Filled({}, model), new, None)
    assert wanted.placed
    assert [vm.memory for vm in found.placed] == [placed.instance.memory for placed in wanted.placed]


def reasons_as_specified() -> None:
    """Three instances could all run elsewhere; a fourth could not, but only three were requested."""
    lines = ["g|u|preferred||", "", *(f"n{at}|4096|256|3840|4096|4096|8|N|u|1||N|1|1|1.0" for at in range(2)), "", ""]
    policy = "128,1,256,1,1,1|64,1,256,1,1,1;32768,8,1048576,16,8,12|drbd,plain,ext|4.0|32.0"
    cluster = text.parse("\n".join([*lines, "", f"|{policy}", f"g|{policy}", ""]))
    new, limits, model = (
        instance_from(Spec(256, 1024, 1, 1), DiskTemplate.EXT, 1),
        Limits(),
        Model.of(cluster, Settings()),
    )
    targets = candidates(model.nodes.values(), cluster.groups, 1, limits, allocable=True)
    for limit, reasons in ((3, {}), (4, {FailMode.N1: 2})):
        state = initial_state(cluster)
        wanted = spec_capacity.fill(spec_capacity.Filled({}, state), Placed(-1, new), targets, limits, limit)
        assert wanted.failures == reasons
        filler = fill.Filler(cluster.groups, targets, 1, limits)
        found = filler.fill(fill.Filled({}, model), new, limit)
        assert (len(found.placed), found.failures) == (len(wanted.placed), reasons)


def capacity_as_specified() -> None:
    tiers_as_specified()
    reasons_as_specified()
    filled_as_specified(range(60))


def test_tiers_as_specified() -> None:
    tiers_as_specified()


def test_reasons_as_specified() -> None:
    reasons_as_specified()


CAPACITY = [sizes_without_the_first, looking_past_other_reasons, trials_of_another_model, always_one_by_one]


@pytest.mark.long
@pytest.mark.parametrize("bug", CAPACITY, ids=lambda bug: bug.__name__)
def test_capacity_bugs_are_found(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        capacity_as_specified()


def mirrored(seed: int) -> Small:
    """Make a small cluster of mirrored instances; most are redundant."""
    rng = random.Random(seed)
    size = rng.randint(2, 4)
    found = Small("drbd", tuple(rng.choice([1024, 2048, 3072]) for _ in range(size)), ())
    for _ in range(rng.randint(1, 3)):
        memory, (primary, secondary) = rng.choice([128, 256, 512, 1024]), rng.sample(range(size), 2)
        if found.free(primary) > memory:
            found = replace(found, vms=(*found.vms, (memory, primary, secondary)))
    return found


SHORT_OF_ROOM = Small("ext", (3072, 512), (), frozenset({1}))
"""Only the offline node lacks room for a standard instance."""


def compare_squeeze(name: object, cluster: Cluster, minimal: float, target: float, *, drbd: bool) -> str:
    """Compare one decision of hsqueeze, and return the action."""
    standard = cluster.policy.standard
    wanted = plain.squeeze(initial_state(cluster), standard, minimal, target, allow_drbd=drbd)
    found = squeeze.squeeze(Model.of(cluster, Settings()), standard, minimal, target, allow_drbd=drbd)
    assert (found.action, found.nodes, found.enough) == (wanted.action.value, wanted.nodes, wanted.enough), name
    assert [step.move for step in found.moves] == [move for _, move in wanted.result.moves], name
    return found.action


def squeezed_as_specified(seeds: range) -> int:
    """Compare the decisions of hsqueeze; return how many of them changed something."""
    assert compare_squeeze("short of room", SHORT_OF_ROOM.cluster(), 1.0, 1.0, drbd=False) == "online"
    acted = 0
    for seed in seeds:
        minimal, target = (0.0, 1.0, 2.0)[seed % 3], (0.0, 0.5, 1.0)[seed % 2]
        cluster = text.parse(random_cluster(seed, squeeze=True))
        acted += compare_squeeze(seed, cluster, minimal, target, drbd=seed % 4 == 0) != "nothing"
        compare_squeeze(("mirrored", seed), mirrored(seed).cluster(), 0.0, target / 2, drbd=True)
    return acted


def test_squeezing_as_specified() -> None:
    assert squeezed_as_specified(range(12)) >= 3


def offline_nodes_need_no_room(patch: pytest.MonkeyPatch) -> None:
    """Offline nodes are not checked for room."""
    patch.setattr(
        squeeze,
        "has_room",
        lambda model, asked: all(
            node.offline or node.primary_refusal(asked, force=False) is None for node in model.nodes.values()
        ),
    )


def redundancy_lost(patch: pytest.MonkeyPatch) -> None:
    """Mirrored instances may leave nodes that then lack memory for a failure."""
    patch.setattr(squeeze, "_keeps_redundancy", lambda before, after: True)


def hopeless_too_soon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(squeeze, "_hopeless", lambda model, leaving, asked: len(leaving) > 1)


def certain_too_soon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(squeeze, "surely_suffices", lambda model, leaving, asked: len(leaving) < len(model.nodes))


SQUEEZING = [offline_nodes_need_no_room, redundancy_lost, hopeless_too_soon, certain_too_soon]


@pytest.mark.long
@pytest.mark.parametrize("bug", SQUEEZING, ids=lambda bug: bug.__name__)
def test_squeezing_bugs_are_found(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        squeezed_as_specified(range(150))


def sources_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Nodes whose instances are mirrored on a changed node are not checked again for being evacuable."""
    honest = fast_paths.Judge.__init__

    def forgetful(self: Any, *known: Any) -> None:
        honest(self, *known)
        self._sources = {}

    patch.setattr(fast_paths.Judge, "__init__", forgetful)


def first_target_of_equals(patch: pytest.MonkeyPatch) -> None:
    """Among equal targets the first one is taken."""
    patch.setattr(evacuation, "_last_of_least", lambda scores: int(np.argmin(scores)))


def old_nodes_as_they_were(patch: pytest.MonkeyPatch) -> None:
    """The change of an instance's old nodes does not count in the score of its targets."""
    honest = group_scores.SideBySide.scores
    patch.setattr(
        group_scores.SideBySide,
        "scores",
        lambda self, first, left, pairs=None: honest(self, first, [() for _ in left], pairs),
    )


def needs_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The memory that a secondary keeps for other instances of the primary is left out on dedicated clusters."""
    honest = dedicated._Nodes.secondary
    patch.setattr(dedicated._Nodes, "secondary", lambda self, index, primary: honest(self, index, self._first(index)))
    patch.setattr(
        dedicated._Nodes,
        "_first",
        lambda self, index: next(i for i in self._state.nodes if i != index),
        raising=False,
    )


@pytest.mark.parametrize(
    ("bug", "seeds", "kinds"),
    [
        (first_target_of_equals, range(300), MOVING),
        (old_nodes_as_they_were, range(300), MOVING),
        pytest.param(needs_forgotten, range(2000, 4000), DEDICATED, marks=pytest.mark.long),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.usefixtures("always_quick")
def test_bugs_in_means_are_found(bug: Patch, seeds: range, kinds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    with pytest.raises((*FOUND, EvacuationError)):
        compare_means(seeds, kinds, most=5)


@pytest.mark.usefixtures("always_quick")
def test_a_bug_in_judging_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sources_forgotten(monkeypatch)
    with pytest.raises(AssertionError):
        compare_tries(range(1000, 1400))
