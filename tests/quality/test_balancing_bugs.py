"""Bugs planted into the allocator's engine and model; comparing decisions must find each.

A bug is a line of a module, replaced; the changed functions replace the right ones while random clusters are balanced.
The moves and scores must then differ from those that the plain search found before the bug was planted.
"""

import pytest

from htools.backends import text
from htools.balance import vector_search as engine_module
from htools.balance.arrays import representable
from htools.balance.plain_search import PlainSearch
from htools.balance.rounds import Search
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.score import score
from spec.allocator.decisions import Rules, Settings
from tests.conformance.clusters import Generator
from tests.quality.planting import plant

pytestmark = pytest.mark.xdist_group("balancing bugs")  # they share what is expected

Steps = list[tuple[object, float]]

SEEDS = (2, 5, 6, 7, 10, 14, 21, 26, 100)
"""Chosen so that each bug shows on one of them at least."""
ROUNDS = 8

BUGS = {
    "rows_without_candidates_forgotten": (
        "htools.balance.vector_search",
        "others = np.flatnonzero(self._eligible & ~stale)",
        "others = np.flatnonzero(self._eligible & ~stale & np.isfinite(self._bound))",
    ),
    "touched_targets_not_rescored": ("htools.balance.vector_search", "if not len(targets):", "if True:"),
    "stale_rows_kept": ("htools.balance.vector_search", "self._bound[stale] = -np.inf", "pass"),
    "later_of_two_equals": ("htools.balance.vector_search", "found[2]) > score:", "found[2]) >= score:"),
    "later_instances_first": (
        "htools.balance.vector_search",
        "key=lambda entry: entry[:3]",
        "key=lambda entry: (-entry[0], *entry[1:3])",
    ),
    "best_vector_taken_for_exact": (
        "htools.balance.vector_search",
        "reach = limit + block.error",
        "reach = limit - block.error",
    ),
    "sums_in_any_order": (
        "htools.balance.exact_score",
        "totals = np.cumsum(rows, axis=1)[:, -1:]",
        "totals = np.cumsum(rows[:, ::-1], axis=1)[:, -1:]",
    ),
    "squares_in_any_order": (
        "htools.balance.exact_score",
        "squares = np.cumsum(centred * centred, axis=1)[:, -1] / count",
        "squares = np.cumsum((centred * centred)[:, ::-1], axis=1)[:, -1] / count",
    ),
    "exclusion_tags_ignored": (
        "htools.balance.admission",
        "not (force and alone.soft) and tags.joining is not None",
        "False and tags.joining is not None",
    ),
    "migration_tags_ignored": ("htools.balance.score_deltas", "if accepts is None:", "if True:"),
    "reserve_not_given_back": (
        "htools.balance.evaluation",
        "nodes.second_need[secondary], nodes.reserved[secondary]",
        "nodes.reserved[secondary], nodes.reserved[secondary]",
    ),
    "offline_primaries_free_of_charge": (
        "htools.balance.evaluation",
        "- EVACUATED * self.off_primary",
        "- 0.0 * self.off_primary",
    ),
    "disk_given_that_is_not_there": (
        "htools.balance.admission",
        "rooms[self.targets]",
        "rooms[self.targets] + 1e9 * (figure is Figure.DISK)",
    ),
    "use_of_spindles_that_are_owned": ("htools.balance.arrays", "use = 0 if self.exclusive else", "use ="),
    "cores_without_limit": (
        "htools.balance.admission",
        "Figure.CORES: self.vcpus,",
        "Figure.CORES: self.vcpus - 99.0,",
    ),
    "wishes_for_places_ignored": (
        "htools.balance.score_deltas",
        "after = self._shared(",
        "after = 0.0 * self._shared(",
    ),
}


def steps(model: Model, search: Search) -> Steps:
    """Return the moves and scores of some rounds."""
    before = score(model.nodes.values())
    found: Steps = []
    for _ in range(ROUNDS):
        best = search.best(before)
        if best is None:
            break
        found.append((best[0], best[2]))
        search.commit(best[1])
        before = best[2]
    return found


OWNED_SPINDLES = """g|u|preferred||

n0|8192|0|6192|100000|90000|8|M|u|4||Y|2|1|1.0
n1|8192|0|8192|100000|90000|8|N|u|4||Y|2|1|1.0
n2|8192|0|8192|100000|100000|8|N|u|4||Y|4|1|1.0
n3|8192|0|8192|100000|100000|8|N|u|4||Y|4|1|1.0

i0|1000|5000|1|running|Y|n0|n1|drbd||9|1|N
i1|1000|5000|1|running|Y|n0|n1|drbd||9|1|N


g|128,1,1024,1,1,1|128,1,128,1,1,1;65536,32,4194304,16,8,12|drbd,plain|4.0|1.0
"""
"""Instances whose spindle use is above the policy's limit, which does not apply with exclusive storage."""


def models() -> list[tuple[Model, Rules]]:
    """Make clusters of many kinds, and the rules of their seeds."""
    made = [(Model.of(text.parse(OWNED_SPINDLES), Settings()).group(0), Rules())]
    for seed in SEEDS:
        cluster = text.parse(Generator(seed, 3, 7).build().text)
        rules = Rules(restricted_migration=seed % 7 == 3, ignore_soft=seed % 5 == 4)
        model = Model.of(cluster, Settings(exclusion_prefixes=("svc:", "owner:"))).group(0)
        if representable(model) and model.instances:
            made.append((model, rules))
    return made


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small clusters would be scored again in every round, so that no kept bound could be wrong."""
    monkeypatch.setattr(engine_module, "PAIRS_WITHOUT_BOUNDS", 0)


@pytest.fixture(scope="module")
def expected() -> list[Steps]:
    return [steps(copy := model.copy(), PlainSearch(copy, rules)) for model, rules in models()]


def differs(expected: list[Steps]) -> bool:
    """Return whether the engine decides differently, or fails, on any of the clusters."""
    for (model, rules), wanted in zip(models(), expected, strict=True):
        copy = model.copy()
        try:
            if steps(copy, Engine(copy, rules)) != wanted:
                return True
        except (ValueError, TypeError, IndexError):
            return True
    return False


def test_without_a_bug_nothing_differs(expected: list[Steps]) -> None:
    assert sum(map(len, expected)) > 20
    assert not differs(expected)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, expected: list[Steps], bug: str) -> None:
    plant(monkeypatch, *BUGS[bug])["PAIRS_WITHOUT_BOUNDS"] = 0
    assert differs(expected)
