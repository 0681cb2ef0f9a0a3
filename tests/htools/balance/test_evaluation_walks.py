"""The score engine on walks over clusters made to mislead it: verdicts, errors, bounds and choices, every round."""

import random
from collections import Counter

import pytest

from htools.balance import score_deltas
from htools.balance import vector_search as engine_module
from htools.balance.plain_search import PlainSearch
from tests import budget
from tests.htools.balance.walks import Adversary, Walk


def walked(seeds: range, most: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Walk on the clusters of some seeds; count clusters of each search, rounds, and candidates compared."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        adversary, rng = Adversary(seed, most), random.Random(seed)
        model, rules = adversary.model(), adversary.rules()
        monkeypatch.setattr(engine_module, "PAIRS_WITHOUT_BOUNDS", 20_000 if seed % 4 == 3 else 0)
        monkeypatch.setattr(engine_module, "ROWS_REFRESHED", rng.choice((1, 4, 48)))
        monkeypatch.setattr(engine_module, "CANDIDATES_AT_A_TIME", rng.choice((1, 60, 10_000)))
        walk = Walk(model, rules, rng)
        seen[type(walk.search).__name__] += 1
        if not isinstance(walk.search, PlainSearch):
            seen["rounds"] += walk.go(rng.choice((3, 8, 60)))
            seen["compared"] += walk.compared
    return seen


def test_walks_are_those_of_trying_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = walked(range(24), 5, monkeypatch)
    assert seen["Engine"] > 8
    assert seen["ClassSearch"] > 2
    assert seen["rounds"] > 120


@pytest.mark.long
def test_many_walks_are_those_of_trying_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = budget.spent(ci=125, weekly=500)
    budget.compare_until(
        lambda seeds: walked(seeds, 30, monkeypatch), lambda seen: seen["rounds"] > wanted, ci=25, weekly=100
    )


def test_bounds_without_their_error_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_deltas, "VARIANCE_ROUNDINGS", 1e-6)
    with pytest.raises(AssertionError):
        walked(range(60), 5, monkeypatch)
