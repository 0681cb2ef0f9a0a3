"""hail against Ganeti's: the same answers, tables, warnings and exit codes."""

import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from htools import hail
from htools.iallocator import allocation, evacuation, fast_paths
from tests import budget
from tests.conformance.programs import Outcome, difference, run_ganeti, run_ours
from tests.conformance.random_clusters import random_cluster
from tests.conformance.random_requests import KINDS, MOVING, random_request
from tests.conftest import GANETI_BIN
from tests.htools.iallocator.test_fast_paths import with_room

GANETI_HAIL = str(Path(GANETI_BIN).parent / "lib" / "ganeti" / "iallocators" / "hail")


def without_internals(run: Outcome) -> tuple[int, str, str]:
    """Return a run without the internals that Ganeti dumps when no group is left to choose from."""
    return run.code, re.sub(r'all groups: \[.*?\](?="\])', "all groups", run.output), run.errors


def options_of(seed: int) -> list[str]:
    rng = random.Random(seed)
    words = []
    for option, odds in (("--no-capacity-checks", 0.2), ("--ignore-soft-errors", 0.2), ("-p", 0.2), ("-p+plist", 0.1)):
        if rng.random() < odds:
            words.append(option)
    if rng.random() < 0.1:
        words.append("--restrict-allocation-to=node0,node2,node1,node0.dom,node1.dom")
    if rng.random() < 0.1:
        words.append("--static-kvm-node-memory=0")
    return words


def other_options(seed: int, nodes: list[str]) -> list[str]:
    """Abbreviations, chosen columns, files to save, and other clusters than the request's own."""
    rng = random.Random(seed)
    words = []
    for option, odds in (
        ("--no-cap", 0.2),
        ("--ignore-s", 0.2),
        ("-pname,peermap,pfdsk,status,group", 0.2),
        ("--print-nodes=+tags,idx,plist,slist", 0.2),
        ("-q", 0.03),
        ("-Sstate", 0.3),
        (f"--restrict={','.join(rng.sample(nodes, rng.randint(1, len(nodes))))}", 0.2),
        ("--static-kvm-node-memory=1000", 0.1),
        (rng.choice(["-tcluster.data", "--simulate=p,4,20g,8g,4"]), 0.25),
    ):
        if rng.random() < odds:
            words.append(option)
    return words


BEYOND_THE_CLUSTER = "the request is about group "
"""Begins ours where a request names a group that another cluster, given instead of its own, lacks."""


def compare_options(seeds: range, tmp_path: Path) -> Counter[str]:
    if not Path(GANETI_HAIL).exists():
        pytest.skip("Ganeti's hail is not installed")
    seen: Counter[str] = Counter()
    for seed in seeds:
        request = random_request(seed)
        directories = [tmp_path / f"{name}{seed}" for name in ("ganeti", "ours")]
        for directory in directories:
            directory.mkdir()
            (directory / "request.json").write_text(json.dumps(request))
            (directory / "cluster.data").write_text(random_cluster(seed))
        words = [*other_options(seed, list(request["nodes"])), "request.json"]
        ganeti, ours = run_ganeti(GANETI_HAIL, words, directories[0]), run_ours(hail.main, words, directories[1])
        if "IntMap.!" in ganeti.errors:
            seen["crash"] += 1  # Ganeti looks for an instance or node that is not there
            continue
        if ganeti.code:
            assert not difference(ganeti, ours), f"seed {seed}: hail {' '.join(words)}"
            continue
        if ours.code == 1 and BEYOND_THE_CLUSTER in ours.errors:
            seen["refused"] += 1  # docs/conformance.md: Ganeti answers about a group that the other cluster lacks
            continue
        assert without_internals(ours) == without_internals(ganeti), f"seed {seed}: hail {' '.join(words)}"
        assert ours.files == ganeti.files, f"seed {seed}: hail {' '.join(words)}"
        seen["act" if '"success":true' in ganeti.output else "rest"] += 1
    return seen


def compare(
    seeds: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: list[str] = KINDS, most: int = 4
) -> Counter[tuple[str, bool]]:
    if not Path(GANETI_HAIL).exists():
        pytest.skip("Ganeti's hail is not installed")
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in seeds:
        request = random_request(seed, kinds, most)
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request if kinds is KINDS else with_room(request)))
        words = [*options_of(seed), str(path)]
        below = 0 if seed % 2 else 10**9
        monkeypatch.setattr(allocation, "ALLOCATION_CANDIDATES", below)
        monkeypatch.setattr(fast_paths, "CLUSTER_NODES", below)
        monkeypatch.setattr(evacuation, "EVACUATION_TARGETS", below)
        ganeti, ours = run_ganeti(GANETI_HAIL, words, tmp_path), run_ours(hail.main, words, tmp_path)
        assert without_internals(ours) == without_internals(ganeti), f"seed {seed}: hail {' '.join(words)}"
        acted = '"success":true' in ganeti.output and '"result":[[],' not in ganeti.output
        seen[request["request"]["type"], acted] += 1
    return seen


@pytest.mark.ganeti
def test_random_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = compare(range(10_000, 10_060), tmp_path, monkeypatch)
    assert sum(count for (_, acted), count in seen.items() if acted) >= 20


@pytest.mark.ganeti
def test_random_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = compare(range(40_001, 40_121, 2), tmp_path, monkeypatch, MOVING, most=7)
    assert {kind for kind, acted in seen if acted} >= set(MOVING)


@pytest.mark.ganeti
@pytest.mark.long
def test_many_random_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = budget.seed() | 1
    seeds = range(first, first + budget.spent(ci=320, weekly=1600), 2)
    seen = compare(seeds, tmp_path, monkeypatch, MOVING, most=9)
    assert sum(count for (_, acted), count in seen.items() if acted) >= len(seeds) // 3


@pytest.mark.ganeti
def test_which_instance_lacks_a_network_on_a_dedicated_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (1566, 20_465):  # the second of several instances, where ours once named the first
        assert compare(range(seed, seed + 1), tmp_path, monkeypatch)["multi-allocate", False] == 1


@pytest.mark.ganeti
def test_random_requests_with_other_options(tmp_path: Path) -> None:
    assert compare_options(range(40), tmp_path)["act"] >= 10


@pytest.mark.ganeti
@pytest.mark.long
def test_many_random_requests_with_other_options(tmp_path: Path) -> None:
    seen = compare_options(budget.seeds(ci=100, weekly=500), tmp_path)
    assert seen["act"] >= seen.total() // 3


def test_a_request_about_instances_that_another_cluster_lacks(tmp_path: Path) -> None:
    request = random_request(0)
    request["request"] = {"type": "change-group", "instances": [list(request["instances"])[-1]], "target_groups": []}
    (tmp_path / "request.json").write_text(json.dumps(request))
    outcome = run_ours(hail.main, ["--simulate=p,2,20g,8g,4", "request.json"], tmp_path)
    assert outcome.code == 1
    assert "and the cluster given instead has 0: ask about instances of that cluster" in outcome.errors


@pytest.mark.ganeti
@pytest.mark.long
def test_many_random_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = budget.seeds(ci=300, weekly=1500)
    seen = compare(seeds, tmp_path, monkeypatch)
    assert sum(count for (_, acted), count in seen.items() if acted) >= len(seeds) // 4
    acting = {kind for kind, acted in seen if acted}
    kinds = {"allocate", "multi-allocate", "relocate", "node-evacuate", "change-group", "allocate-secondary"}
    assert acting <= kinds
    assert len(acting) >= budget.spent(ci=4, weekly=6)  # in a few hundred requests the rarest may not occur


@pytest.mark.ganeti
@pytest.mark.shared
@pytest.mark.parametrize("words", [[], ["--no-capacity-checks"], ["--ignore-soft-errors", "-p"]], ids=" ".join)
def test_shared_requests(shared: Path, tmp_path: Path, words: list[str]) -> None:
    if not Path(GANETI_HAIL).exists():
        pytest.skip("Ganeti's hail is not installed")
    compared = 0
    for path in sorted((shared / "clusters").glob("*/*.json")):
        if path.stem in {"c1000", "b80"}:
            continue
        ganeti = run_ganeti(GANETI_HAIL, [*words, str(path)], tmp_path)
        ours = run_ours(hail.main, [*words, str(path)], tmp_path)
        if ganeti.code:
            assert not difference(ganeti, ours), path.name
            continue
        assert without_internals(ours) == without_internals(ganeti), path.name
        compared += 1
    assert compared > 17


def test_usage(tmp_path: Path) -> None:
    none = run_ours(hail.main, [], tmp_path)
    assert none == Outcome(1, "", "Error: This program needs an input file.\n", ())
    two = run_ours(hail.main, ["a", "b"], tmp_path)
    assert (two.code, two.errors) == (1, "Error: Only one argument is accepted (the input file)\n")
