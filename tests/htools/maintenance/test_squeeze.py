"""What hsqueeze submits, phase by phase, and small clusters on which it does something surprising."""

from dataclasses import replace

import pytest

from htools import hsqueeze
from htools.backends import text
from htools.maintenance import squeeze
from htools.model.cluster import Model
from htools.plan.commands import job_sets
from spec.allocator.decisions import Settings
from spec.allocator.squeeze import PHASES, Action
from tests.conformance.random_clusters import random_cluster
from tests.htools.test_placement_properties import Small


def phases_as_specified(seeds: range) -> set[str]:
    """The actions that were seen."""
    seen = set()
    for seed in seeds:
        cluster = text.parse(random_cluster(seed, squeeze=True))
        model = Model.of(cluster, Settings())
        found = squeeze.squeeze(model, cluster.policy.standard, (0.0, 2.0)[seed % 2], 1.0)
        if found.action == "nothing" or not found.nodes or not found.moves:
            continue
        phases = [phase for phase, _, _ in hsqueeze._phases(found, model, job_sets(found.moves))]
        assert list(dict.fromkeys(phases)) == [phase.value for phase in PHASES[Action(found.action)]], seed
        seen.add(found.action)
    return seen


def test_phases_are_those_specified() -> None:
    assert phases_as_specified(range(30)) == {"offline", "online"}


def test_phases_in_another_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = hsqueeze._phases
    monkeypatch.setattr(hsqueeze, "_phases", lambda *words: honest(*words)[::-1])
    with pytest.raises(AssertionError):
        phases_as_specified(range(30))


ONE_MORE = Small("ext", (1024, 1024, 2048), ((256, 0, -1), (128, 1, -1)))
"""With 0.5 and 1.5 of 512 MiB: run again, one more node goes."""
NO_LIVE_DATA = (
    "g|u|preferred||\n\na|4096|0|4096|4096|4096|4|N|u|1||N|0|1|1.0\nb|0|0|0|0|0|0|Y|u|1||N|0|1|1.0\n\n\n\n"
    "|512,1,512,1,1,1|128,1,128,1,1,1;4096,4,4096,16,8,12|ext|4.0|32.0\n"
)
"""One node online, one offline of which nothing is known."""


def decided(model: Model, minimal: float, target: float) -> tuple[str, tuple[int, ...], Model]:
    standard = ONE_MORE.cluster().policy.standard
    found = squeeze.squeeze(model, standard, minimal, target)
    return found.action, found.nodes, found.model


def one_after_another() -> list[Small]:
    """The cluster, and what two runs make of it."""
    found = [ONE_MORE]
    for _ in range(2):
        after = decided(Model.of(found[-1].cluster(), Settings()), 0.5, 1.5)[2]
        vms = tuple((vm.memory, vm.primary, -1) for vm in after.instances.values())
        gone = frozenset(index for index, node in after.nodes.items() if node.offline)
        found.append(replace(ONE_MORE, vms=vms, offline=gone))
    return found


def test_the_smallest_cluster_where_one_more_node_goes() -> None:
    assert [len(case.offline) for case in one_after_another()] == [0, 1, 2]
    action, nodes, after = decided(Model.of(ONE_MORE.cluster(), Settings()), 0.5, 1.5)
    assert (action, len(nodes)) == ("offline", 1)
    action, more, after = decided(after, 0.5, 1.5)
    assert (action, len(more)) == ("offline", 1)
    assert decided(after, 0.5, 1.5)[0] == "nothing"


def test_the_smallest_cluster_that_lacks_room_for_want_of_knowledge() -> None:
    model = Model.of(text.parse(NO_LIVE_DATA), Settings())
    for minimal in (0.0, 1.0):
        assert decided(model, minimal, 2.0)[:2] == ("online", ())
    model.nodes.pop(1)
    assert decided(model, 0.0, 2.0)[0] != "online"
