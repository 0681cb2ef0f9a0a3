"""What hsqueeze submits, phase by phase, and the small clusters on which it does what one would not expect."""

import pytest

from htools import hsqueeze, squeezing
from htools.backends import text
from htools.model import Model
from htools.plan import job_sets
from spec.decisions import Settings
from spec.squeeze import PHASES, Action
from tests.conformance.random_clusters import random_cluster


def phases_as_specified(seeds: range) -> set[str]:
    """The actions that were seen."""
    seen = set()
    for seed in seeds:
        cluster = text.parse(random_cluster(seed, squeeze=True))
        model = Model.of(cluster, Settings())
        found = squeezing.squeeze(model, cluster.policy.standard, (0.0, 2.0)[seed % 2], 1.0)
        if found.action == "nothing" or not found.nodes or not found.moves:
            continue
        told = [phase for phase, _, _ in hsqueeze._phases(found, model, job_sets(found.moves))]
        assert list(dict.fromkeys(told)) == [phase.value for phase in PHASES[Action(found.action)]], seed
        seen.add(found.action)
    return seen


def test_phases_are_those_specified() -> None:
    assert phases_as_specified(range(30)) == {"offline", "online"}


def test_phases_in_another_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = hsqueeze._phases
    monkeypatch.setattr(hsqueeze, "_phases", lambda *words: honest(*words)[::-1])
    with pytest.raises(AssertionError):
        phases_as_specified(range(30))
