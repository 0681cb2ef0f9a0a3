"""The moves offered are exactly the moves that the rule allows, for the definition and for what hbal runs."""

import pytest

from checkers.offered import Offers, Situation, disagreement, leaves_only_drained
from htools import balancing, moving
from htools.candidates import Candidates
from htools.engine import Engine
from htools.model import Model
from spec import moves as defined
from spec.decisions import MoveKind, Settings
from spec.initial import initial_state


def by_definition(situation: Situation) -> frozenset[MoveKind]:
    state, rules = initial_state(situation.cluster()), situation.rules()
    return frozenset(m.kind for at in defined.movable(state, rules) for m in defined.offered(state, at, rules))


def by_the_plain_search(situation: Situation) -> frozenset[MoveKind]:
    model, rules = Model.of(situation.cluster(), Settings()), situation.rules()
    online = [index for index, node in model.nodes.items() if not node.offline]
    return frozenset(
        move.kind for vm in moving.movable(model, rules) for move in balancing.offered(model, vm.index, rules, online)
    )


def by_the_engine(situation: Situation) -> frozenset[MoveKind]:
    """The kinds whose score is finite: nothing else can refuse a move in these roomy clusters."""
    model, rules = Model.of(situation.cluster(), Settings()), situation.rules()
    if not moving.movable(model, rules):
        return frozenset()
    engine = Engine(model, rules)
    vectors: Candidates = engine.vectors
    rows, targets = vectors.nodes.index[:1] * 0, vectors.nodes.index[vectors.nodes.online]
    external = situation.mirror == "external"
    block = (vectors.evaluate_external if external else vectors.evaluate)(rows, targets)
    found = {kind for kind, scores in zip(block.kinds, block.scores, strict=True) if (scores < float("inf")).any()}
    return frozenset(found | ({MoveKind.FAILOVER} if (block.failover < float("inf")).any() else set()))


ALL = [by_definition, by_the_plain_search, by_the_engine]


@pytest.mark.parametrize("offers", ALL)
def test_offered_moves_are_the_allowed_ones(offers: Offers) -> None:
    assert disagreement(offers) == ""


@pytest.mark.parametrize("offers", ALL)
def test_restricted_evacuation_leaves_only_drained_nodes(offers: Offers) -> None:
    def mirrored(situation: Situation) -> frozenset[MoveKind]:
        return offers(situation) if situation.mirror == "internal" else frozenset()

    assert leaves_only_drained(mirrored)


def test_a_move_too_many_and_a_move_too_few_are_found() -> None:
    def generous(situation: Situation) -> frozenset[MoveKind]:
        flags = situation.flags
        extra = flags["restricted"] and flags["primary_drained"] and flags["instance_moves"] and flags["disk_moves"]
        return by_definition(situation) | (
            {MoveKind.REPLACE_PRIMARY} if extra and situation.mirror == "internal" else set()
        )

    def shy(situation: Situation) -> frozenset[MoveKind]:
        return by_definition(situation) - {MoveKind.FAILOVER_AND_REPLACE}

    assert disagreement(generous).startswith("frf is offered with mirror=")
    assert disagreement(shy).startswith("fr is missing with mirror=")
    assert not leaves_only_drained(generous)
