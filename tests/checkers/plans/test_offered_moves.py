"""The moves offered are exactly the moves that the rule allows, for the definition and for all that hbal may run."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import pytest

from checkers.plans.offered_moves import (
    Offer,
    Offers,
    Situation,
    Table,
    disagreement,
    leaves_only_drained,
    offer,
    table_of,
)
from htools.balance import rounds
from htools.balance.class_search import ClassSearch, serves
from htools.balance.plain_search import PlainSearch
from htools.balance.rounds import search_for
from htools.balance.vector_search import Engine
from htools.model import moves
from htools.model.cluster import Model
from spec.allocator import moves as defined
from spec.allocator.decisions import Move, MoveKind
from spec.allocator.initial import initial_state
from spec.allocator.state import group_state

if TYPE_CHECKING:
    from htools.model.arrays import Floats, Ints


pytestmark = pytest.mark.xdist_group("offered moves")  # they share the tables


def by_definition(situation: Situation) -> frozenset[Offer]:
    state, rules = group_state(initial_state(situation.cluster(), situation.settings()), 0), situation.rules()
    return frozenset(offer(m) for at in defined.movable(state, rules) for m in defined.offered(state, at, rules))


def model_of(situation: Situation) -> Model:
    return Model.of(situation.cluster(), situation.settings()).group(0)


def by_the_plain_search(situation: Situation) -> frozenset[Offer]:
    model, rules = model_of(situation), situation.rules()
    online = [index for index, node in model.nodes.items() if not node.offline]
    return frozenset(
        offer(move) for vm in moves.movable(model, rules) for move in moves.offered(model, vm.index, rules, online)
    )


def scored(engine: Engine) -> frozenset[Offer]:
    """The moves whose score is finite: nothing else can refuse a move in these roomy clusters."""
    found = set()
    index, targets = engine.vectors.nodes.index, engine._targets
    for rows, external in engine._blocks(np.flatnonzero(engine._eligible), targets):
        block = engine._evaluate(rows, targets, external)
        for order, _, target in np.argwhere(np.isfinite(block.scores)).tolist():
            found.add(offer(Move(0, block.kinds[order], int(index[targets[target]]))))
        if np.isfinite(block.failover).any():
            found.add(offer(Move(0, MoveKind.FAILOVER)))
    return frozenset(found)


def by_the_engine(situation: Situation) -> frozenset[Offer]:
    return scored(Engine(model_of(situation), situation.rules()))


class Recording(ClassSearch):
    """Keeps the candidates that are left to choose from."""

    seen: frozenset[Offer] = frozenset()

    def _decide(self, blocks: "list[tuple[Ints, Ints | None, Floats]]", limit: float, before: float) -> None:
        targets = {self._index[at] for *_, scores in blocks for at in np.flatnonzero(np.isfinite(scores).any(axis=0))}
        self.seen = frozenset(offer(Move(0, MoveKind.FAILOVER_TO_ANY, target)) for target in targets)


def by_classes(situation: Situation) -> frozenset[Offer]:
    search = Recording(model_of(situation), situation.rules())
    search.best(float("inf"))
    return search.seen


def by_what_hbal_takes(situation: Situation) -> frozenset[Offer]:
    """By the search that hbal chooses for the situation, were it not too small for vectors."""
    with patch.object(rounds, "BALANCING_CANDIDATES", 0):
        search = search_for(model_of(situation), situation.rules())
    if isinstance(search, ClassSearch):
        return by_classes(situation)
    if isinstance(search, PlainSearch):
        assert situation.flags["primary_drained"]
        return by_the_plain_search(situation)
    assert isinstance(search, Engine)
    return scored(search)


ALL = [by_definition, by_the_plain_search, by_the_engine, by_what_hbal_takes]


@cache
def table(offers: Offers) -> Table:
    return table_of(offers)


@pytest.mark.parametrize("offers", ALL)
def test_offered_moves_are_the_allowed_ones(offers: Offers) -> None:
    assert disagreement(table(offers)) == ""


@pytest.mark.parametrize("offers", ALL)
def test_restricted_evacuation_leaves_only_drained_nodes(offers: Offers) -> None:
    assert leaves_only_drained(table(offers))


def test_classes_serve_all_shared_storage_that_may_move() -> None:
    """What hbal takes there is the search of its own that this proof must cover."""
    served = {situation.mirror for situation, _ in table(by_what_hbal_takes) if serves(model_of(situation))}
    assert served == {"external"}
    assert any(found for situation, found in table(by_what_hbal_takes) if situation.mirror == "external")


def changed(change: Callable[[Situation, frozenset[Offer]], frozenset[Offer]]) -> Table:
    return tuple((situation, change(situation, found)) for situation, found in table(by_definition))


def test_a_move_too_many_and_a_move_too_few_are_found() -> None:
    def generous(situation: Situation, found: frozenset[Offer]) -> frozenset[Offer]:
        restricted = situation.flags["restricted"] and (MoveKind.FAILOVER_AND_REPLACE, "target") in found
        return found | ({(MoveKind.REPLACE_PRIMARY, "target")} if restricted else set())

    def shy(_: Situation, found: frozenset[Offer]) -> frozenset[Offer]:
        return found - {(MoveKind.FAILOVER_AND_REPLACE, "target")}

    def homing(_: Situation, found: frozenset[Offer]) -> frozenset[Offer]:
        return found | {(kind, "secondary") for kind, place in found if kind is MoveKind.REPLACE_SECONDARY}

    assert disagreement(changed(generous)).startswith("frf target is offered with mirror=")
    assert disagreement(changed(shy)).startswith("fr target is missing with mirror=")
    assert disagreement(changed(homing)).startswith("r secondary is offered with mirror=")
    assert not leaves_only_drained(changed(generous))
