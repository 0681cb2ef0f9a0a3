"""The fast functions give the specification's answers and states, bit for bit."""

import json
import random
from collections import Counter
from typing import Any

import pytest

from htools.backends.iallocator import parse
from htools.iallocator import evacuation, fast_paths
from htools.iallocator.as_specified import answer_as_specified
from htools.iallocator.fast_paths import by_score, quick_means
from spec.allocator.initial import initial_state
from spec.allocator.placement import candidates, try_all
from spec.allocator.requests import ChangeGroup, Limits
from tests import budget
from tests.conformance.random_requests import KINDS, MOVING, instance, random_request

DEDICATED = ["allocate", "multi-allocate"]


def with_room(request: dict[str, Any]) -> dict[str, Any]:
    """The request on nodes of more memory, disk and cores, about instances of one group, so that more is possible."""
    for node in request["nodes"].values():
        for name in ("total_memory", "free_memory", "total_disk", "free_disk"):
            node[name] += 60_000
        node["total_cpus"] += 16
    asked = request["request"]
    if asked["type"] == "change-group":
        home = {name: request["nodes"][vm["nodes"][0]]["group"] for name, vm in request["instances"].items()}
        asked["instances"] = [name for name in asked["instances"] if home[name] == home[asked["instances"][0]]]
        asked["target_groups"] = []
    return request


def mirrored_and_tight(seed: int) -> dict[str, Any]:
    """A move to another group, where all instances are mirrored and memory decides whether the cluster is redundant."""
    rng = random.Random(seed)
    request = random_request(seed, ["change-group"])
    some_node, group = next(iter(request["nodes"].values())), next(iter(request["nodegroups"].values()))
    template = instance(rng, dedicated=False, template="drbd") | {
        "admin_state": "up",
        "tags": [],
        "nics": [],
        "vcpus": 1,
    }
    template.pop("forthcoming", None)
    group |= {"alloc_policy": "preferred", "ipolicy": group["ipolicy"] | {"minmax": [], "disk-templates": ["drbd"]}}
    request["nodegroups"] = {f"uuid-{at}": group | {"name": f"group{at}"} for at in range(2)}
    fixed = {"reserved_memory": 0, "total_disk": 100_000, "free_disk": 100_000, "total_cpus": 64, "tags": []}
    usable = {"offline": False, "drained": False, "vm_capable": True}
    request["nodes"], request["instances"] = {}, {}
    for at in range(rng.choice([6, 7, 8])):
        memory = rng.choice([2048, 3072, 4096])
        own = {"total_memory": memory, "free_memory": memory, "group": f"uuid-{at % 2}"}
        own["ndparams"] = {"spindle_count": 64, "exclusive_storage": False}
        request["nodes"][f"node{at}"] = some_node | fixed | usable | own
    names = list(request["nodes"])
    for at in range(rng.randint(3, 7)):
        primary, secondary = rng.sample(names[at % 2 :: 2], 2)
        memory = rng.choice([256, 512, 768, 1024])
        if request["nodes"][primary]["free_memory"] > memory:
            request["nodes"][primary]["free_memory"] -= memory
            request["instances"][f"inst{at}"] = template | {"memory": memory, "nodes": [primary, secondary]}
    asked = rng.choice(list(request["instances"]))
    request["request"] = {"type": "change-group", "instances": [asked], "target_groups": []}
    return request


def compare(seeds: range, kinds: list[str], most: int = 4) -> Counter[tuple[str, bool]]:
    """Compare both ways on requests of some seeds; how many of each kind there were, and how many of them acted.

    Without kinds all instances are mirrored and memory is tight.
    """
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in seeds:
        asked = random_request(seed, kinds, most) if kinds else mirrored_and_tight(seed)
        if kinds and seed % 3:
            asked = with_room(asked)
        cluster, request = parse(json.dumps(asked).encode())
        limits = Limits(capacity=seed % 2 != 0, ignore_soft=seed % 5 == 0)
        wanted = answer_as_specified(cluster, request, limits)
        found = answer_as_specified(cluster, request, limits, means=quick_means(cluster.groups, len(cluster.nodes)))
        assert found == wanted, f"seed {seed}"
        acted = '"success":true' in wanted[0] and '"result":[[],' not in wanted[0]
        seen[asked["request"]["type"], acted] += 1
    return seen


def acting(seen: Counter[tuple[str, bool]]) -> int:
    """Return how many requests were answered with something to do."""
    return sum(count for (_, acted), count in seen.items() if acted)


def compare_tries(seeds: range) -> int:
    """Compare what trying one group comes to where all are mirrored and memory is tight; how many found a place."""
    found = 0
    for seed in seeds:
        cluster, request = parse(json.dumps(mirrored_and_tight(seed)).encode())
        assert isinstance(request, ChangeGroup)
        state, limits = initial_state(cluster), Limits(ignore_soft=seed % 3 > 0)
        placed = state.instances[request.instances[0]]
        home = cluster.nodes[placed.instance.primary].group
        away = {index: node for index, node in state.nodes.items() if node.node.group != home}
        for required in (1, 2):
            targets = candidates(away, cluster.groups, required, limits)
            wanted = try_all(state, placed, targets, required, limits)
            assert by_score(cluster.groups)(state, placed, targets, required, limits) == wanted, f"seed {seed}"
            found += wanted.best is not None
    return found


@pytest.fixture
def always_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_paths, "CLUSTER_NODES", 0)
    monkeypatch.setattr(evacuation, "EVACUATION_TARGETS", 0)


@pytest.mark.usefixtures("always_quick")
def test_moves_as_specified() -> None:
    seen = compare(range(100), MOVING) + compare(range(1000, 1015), MOVING, most=8)
    assert {kind for kind, acted in seen if acted} >= set(MOVING)


@pytest.mark.usefixtures("always_quick")
def test_redundancy_where_memory_is_tight() -> None:
    assert compare_tries(range(40)) > 5
    assert compare(range(1, 30, 2), [])["change-group", True] > 5


@pytest.mark.usefixtures("always_quick")
def test_new_instances_as_specified() -> None:
    assert compare(range(2000, 2060), DEDICATED)["allocate", True] > 5


@pytest.mark.long
@pytest.mark.usefixtures("always_quick")
def test_many_requests_as_specified() -> None:
    seen = compare(budget.seeds(ci=100, weekly=500), KINDS)
    seen += compare(budget.seeds(ci=20, weekly=100), MOVING, most=10)
    odd = range(budget.seed() | 1, budget.seed() + budget.spent(ci=120, weekly=600), 2)
    seen += compare(odd, [])
    missing = budget.spent(ci=100, weekly=500) - acting(seen)
    budget.compare_until(
        lambda seeds: compare(seeds, MOVING), lambda moves: acting(moves) > missing, ci=240, weekly=1200
    )
    wanted = budget.spent(ci=80, weekly=400) // 8
    budget.compare_until(compare_tries, lambda found: found > wanted, ci=80, weekly=400)
