"""A bug planted in the search that looks ahead, found by the comparison with the greedy one."""

from collections.abc import Iterable

import pytest

from htools.balance.lookahead import _ahead
from htools.model.cluster import Model
from htools.model.moves import Planned
from spec.allocator.decisions import Rules
from tests.htools.balance.test_lookahead import ends_higher, usual_ahead


@pytest.mark.long
def test_looking_ahead_without_a_glance_at_the_greedy_end_is_found() -> None:
    def ahead_alone(model: Model, rules: Rules, before: float, ahead: int, rounds: int) -> Iterable[Planned]:
        return _ahead(model, rules, before, ahead, 0.0, rounds)

    assert not ends_higher(usual_ahead)
    assert ends_higher(ahead_alone)
