"""hail against Ganeti's: the same answers, tables, warnings and exit codes."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from htools import hail
from htools.backends import text
from htools.commandline.tool import stop
from htools.iallocator import allocation, evacuation, fast_paths
from spec.allocator.cluster import Cluster
from spec.allocator.requests import ChangeGroup, Request
from tests import budget
from tests.conformance.programs import Outcome, difference, run_ganeti, run_ours
from tests.conformance.random_clusters import random_cluster
from tests.conformance.random_requests import KINDS, MOVING, random_request
from tests.conftest import GANETI_BIN
from tests.htools.iallocator.test_fast_paths import acting, with_room

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


def refusal(request: dict[str, Any], words: list[str], cluster: str) -> str | None:
    """Return what ours says of a request about what another cluster, given instead of its own, lacks."""
    if "-tcluster.data" in words:
        other = text.parse(cluster)
        sizes = {"instance": len(other.instances), "group": len(other.groups)}
    elif any(word.startswith("--simulate=") for word in words):
        sizes = {"instance": 0, "group": 1}
    else:
        return None
    asked = request["request"]
    kind = asked["type"]
    named = asked["instances"] if kind in {"node-evacuate", "change-group"} else []
    named = [asked["name"]] if kind in {"relocate", "allocate-secondary"} else named
    for what, names, known in (
        ("instance", named, list(request["instances"])),
        ("group", asked.get("target_groups", []), list(request["nodegroups"])),
    ):
        beyond = [known.index(name) + 1 for name in names if known.index(name) >= sizes[what]]
        if beyond:
            return f"the request is about {what} {beyond[0]}, and the cluster given instead has {sizes[what]}: "
    return None


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
        refused, crashed = refusal(request, words, random_cluster(seed)), "IntMap.!" in ganeti.errors
        if ganeti.code and not crashed:
            assert not difference(ganeti, ours), f"seed {seed}: hail {' '.join(words)}"
            continue
        if refused:  # docs/conformance.md: Ganeti ends, or answers about a group that the other cluster lacks
            assert crashed or refused.startswith("the request is about group "), f"seed {seed}"
            assert ours.code == 1, f"seed {seed}"
            warnings, _, error = ours.errors.partition("Error: ")
            assert error.startswith(refused), f"seed {seed}"
            assert ganeti.errors.startswith(warnings), f"seed {seed}"
            seen["refused"] += 1
            continue
        if crashed:
            # docs/conformance.md: Ganeti saves the cluster after its answer, and misses nodes of other groups.
            assert "-Sstate" in words, f"seed {seed}"
            assert (ours.code, ours.output) == (0, ganeti.output), f"seed {seed}"
            assert ours.errors.startswith(ganeti.errors.partition("hail: IntMap.!")[0]), f"seed {seed}"
            assert {name for name, _ in set(ours.files) ^ set(ganeti.files)} == {"state.post-ialloc"}, f"seed {seed}"
            seen["crash"] += 1
            continue
        assert without_internals(ours) == without_internals(ganeti), f"seed {seed}: hail {' '.join(words)}"
        assert ours.files == ganeti.files, f"seed {seed}: hail {' '.join(words)}"
        seen["act" if '"success":true' in ganeti.output else "rest"] += 1
    return seen


def kinds(seen: Counter[tuple[str, bool]]) -> set[str]:
    """Return the kinds of them."""
    return {kind for (kind, acted), count in seen.items() if acted and count}


def compare(
    seeds: Iterable[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str] = KINDS, most: int = 4
) -> Counter[tuple[str, bool]]:
    if not Path(GANETI_HAIL).exists():
        pytest.skip("Ganeti's hail is not installed")
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in seeds:
        request = random_request(seed, asked, most)
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request if asked is KINDS else with_room(request)))
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
    assert acting(seen) >= 20


@pytest.mark.ganeti
def test_random_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = compare(range(40_001, 40_121, 2), tmp_path, monkeypatch, MOVING, most=7)
    assert kinds(seen) >= set(MOVING)


@pytest.mark.ganeti
@pytest.mark.long
def test_many_random_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(seeds: range) -> Counter[tuple[str, bool]]:
        return compare((seed for seed in seeds if seed % 2), tmp_path, monkeypatch, MOVING, most=9)

    wanted = budget.spent(ci=60, weekly=300)
    budget.compare_until(odd, lambda seen: acting(seen) >= wanted and kinds(seen) >= set(MOVING), ci=320, weekly=1600)


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
    wanted = budget.spent(ci=100, weekly=500) // 3
    budget.compare_until(
        lambda seeds: compare_options(seeds, tmp_path), lambda seen: seen["act"] >= wanted, ci=100, weekly=500
    )


@pytest.mark.ganeti
@pytest.mark.parametrize("seed", [151, 712])
def test_a_wrong_refusal_about_a_group_is_found(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_group(cluster: Cluster, request: Request) -> None:
        if isinstance(request, ChangeGroup) and request.groups:
            stop(f"the request is about group 1, and the cluster given instead has {len(cluster.groups)}: ask")

    monkeypatch.setattr(hail, "_refuse_strangers", refuse_group)
    with pytest.raises(AssertionError, match=f"seed {seed}"):
        compare_options(range(seed, seed + 1), tmp_path)


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
    wanted = budget.spent(ci=100, weekly=500)
    seen = budget.compare_until(
        lambda seeds: compare(seeds, tmp_path, monkeypatch),
        lambda seen: acting(seen) >= wanted and kinds(seen) >= set(KINDS),  # of 100 requests one is a change that acts
        ci=300,
        weekly=1500,
    )
    assert kinds(seen) == {
        "allocate",
        "multi-allocate",
        "relocate",
        "node-evacuate",
        "change-group",
        "allocate-secondary",
    }


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
    assert (none.code, none.output) == (1, "")
    assert none.errors.startswith("Error: This program needs an input file.\n")
    two = run_ours(hail.main, ["a", "b"], tmp_path)
    assert (two.code, two.errors) == (1, "Error: Only one argument is accepted (the input file)\n")
