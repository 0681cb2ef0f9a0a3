"""hbal --look-ahead: never worse than the usual search, and its plan can be executed in its order."""

from collections.abc import Callable, Iterable

import pytest

from htools.backends import text
from htools.balance.lookahead import balance_ahead
from htools.balance.rounds import balance
from htools.model.cluster import Model
from htools.model.moves import Planned, attempt
from htools.model.score import score
from spec.allocator.decisions import FailMode, Rules, Settings
from tests.conformance.clusters import Generator
from tests.htools.generated import SEEDS

Ahead = Callable[[Model, Rules, float, int, int], Iterable[Planned]]


def usual_ahead(model: Model, rules: Rules, before: float, ahead: int, rounds: int) -> Iterable[Planned]:
    return balance_ahead(model, rules, before, ahead=ahead, stop_at=0.0, rounds=rounds)


def ends_higher(search: Ahead, seeds: Iterable[int] = (*SEEDS, 7)) -> list[tuple[int, int, int]]:
    """List seeds, steps and rounds with which a search ends above the greedy one, or not at its own score."""
    found = []
    for seed in seeds:
        cluster = text.parse(Generator(seed, 3, 7).build().text)
        for ahead, rounds in ((2, -1), (5, -1), (3, 6)):
            greedy, looking = (Model.of(cluster, Settings()).group(0) for _ in range(2))
            before = score(greedy.nodes.values())
            plain = list(balance(greedy, Rules(), before, stop_at=0.0, rounds=rounds))
            plan = list(search(looking, Rules(), before, ahead, rounds))
            end = plan[-1].score if plan else before
            honest = end == score(looking.nodes.values()) and (rounds < 0 or len(plan) <= rounds)
            if not honest or end > (plain[-1].score if plain else before):
                found.append((seed, ahead, rounds))
    return found


def test_looking_ahead_never_ends_higher_and_counts_what_it_does() -> None:
    assert not ends_higher(usual_ahead, (*SEEDS[::2], 7))


@pytest.mark.long
def test_looking_ahead_never_ends_higher_on_any_cluster() -> None:
    assert not ends_higher(usual_ahead)


def test_a_plan_found_by_looking_ahead_can_be_executed_in_its_order() -> None:
    for seed in SEEDS:
        model = Model.of(text.parse(Generator(seed, 3, 7).build().text), Settings()).group(0)
        before = score(model.nodes.values())
        again = model.copy()
        for planned in balance_ahead(model, Rules(), before, ahead=3, stop_at=0.0):
            assert again.instances[planned.move.instance].current() == planned.before.current()
            moved = attempt(again, planned.move)
            assert not isinstance(moved, FailMode)
            moved.commit(again)
            assert score(again.nodes.values()) == planned.score
            assert before - planned.score == planned.gain
            before = planned.score
