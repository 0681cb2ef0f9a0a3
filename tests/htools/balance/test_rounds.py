"""Rounds: when balancing ends, which search is chosen, and that each move is made before the next is searched."""

import pytest

from htools.balance.plain_search import PlainSearch
from htools.balance.rounds import balance, search_for
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.score import score
from spec.allocator import balance as plain
from spec.allocator.decisions import Rules, Settings
from spec.allocator.example import cluster, instance
from spec.allocator.initial import initial_state


def crowded() -> Model:
    """Four mirrored instances on the first two of five nodes."""
    return Model.of(cluster(*[instance(at % 2, 1 - at % 2) for at in range(4)], nodes=5), Settings())


def moved(**how: float) -> list[float]:
    """Return the scores after each move."""
    model = crowded()
    before = score(model.nodes.values())
    found = []
    for step in balance(model, Rules(), before, stop_at=how.pop("stop_at", 1e-9), rounds=int(how.pop("rounds", -1))):
        assert str(step.score) == str(score(model.nodes.values()))
        assert step.gain == before - step.score > 0
        assert model.instances[step.move.instance] is step.after
        before = step.score
        found.append(before)
    return found


def test_the_moves_are_the_specified_ones() -> None:
    read = cluster(*[instance(at % 2, 1 - at % 2) for at in range(4)], nodes=5)
    wanted = [step.score for step in plain.balance(initial_state(read), Rules(), stop_at=1e-9)]
    assert moved() == wanted
    assert len(wanted) > 2


def test_balancing_ends_with_the_rounds_or_at_the_score() -> None:
    every = moved()
    assert moved(rounds=0) == []
    assert moved(rounds=2) == every[:2]
    assert moved(stop_at=every[1]) == every[:2]


def test_the_search_follows_the_number_of_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    model = crowded()
    for vm in model.instances.values():
        vm.movable = True
    candidates = 4**2 * (1 + 4 * 3) * 5
    monkeypatch.setattr("htools.balance.rounds.BALANCING_CANDIDATES", candidates + 1)
    assert isinstance(search_for(model, Rules()), PlainSearch)
    monkeypatch.setattr("htools.balance.rounds.BALANCING_CANDIDATES", candidates)
    assert isinstance(search_for(model, Rules()), Engine)
