"""Bugs planted in explanations, each found by the check that compares them with the definition."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from htools.backends import text
from htools.balance.explain import Constraint, Explanation, Obstacle
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Move
from tests.conformance.clusters import Generator
from tests.htools.balance.test_explain import TIGHT, wrongly_explained


def explained_clusters() -> list[Cluster]:
    untagged = text.parse(TIGHT.replace("iextags", "none"))  # a refusal for tags cannot be removed
    return [untagged, *(text.parse(Generator(seed, 3, 5).build().text) for seed in range(6))]


def test_explanations_without_a_bug_are_right() -> None:
    assert not any(wrongly_explained(cluster, Explanation.obstacle) for cluster in explained_clusters())


def test_an_explanation_that_stops_at_the_first_constraint_is_found() -> None:
    def first_alone(explanation: Explanation, move: Move) -> Obstacle:
        return replace(explanation.obstacle(move), others=())

    assert any(wrongly_explained(cluster, first_alone) for cluster in explained_clusters())


def test_a_constraint_that_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(node: object, part: str, constraints: Iterable[Constraint], *, force: bool) -> list[Obstacle]:
        return [
            Obstacle(str(getattr(node, "name", "")), part, one.text, one.soft, one.mode)
            for one in constraints
            if not (force and one.soft) and "cores" not in one.text
        ]

    monkeypatch.setattr("htools.balance.explain._all", forgetful)
    assert any(wrongly_explained(cluster, Explanation.obstacle) for cluster in explained_clusters())
