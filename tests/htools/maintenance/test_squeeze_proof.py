"""What is called certain without balancing is what balancing does; and instances called alike score alike."""

import random

import pytest

from htools.backends import text
from htools.balance.plain_search import PlainSearch
from htools.balance.vector_search import Engine
from htools.maintenance import squeeze, squeeze_proof
from htools.model.cluster import Model
from htools.model.score import score
from spec.allocator.decisions import Settings

STANDARD = "1024,1,1024,1,1,1|128,1,256,1,1,1;8192,8,4096,16,8,12|ext|4.0|32.0"


def even_cluster(seed: int) -> str:
    """The text of a cluster without tags, all on external storage, that has room to spare or not."""
    rng = random.Random(seed)
    count, cores = rng.randint(3, 7), rng.choice([2, 4, 16])
    free = [rng.choice([16384, 16384, 24576])] * count
    totals = list(free)
    instances = []
    for number in range(rng.randint(count, 6 * count)):
        home = min(rng.randrange(count), rng.randrange(count))
        memory = rng.choice([256, 512, 1024, 2048])
        if free[home] > memory:
            free[home] -= memory
            instances.append(f"i{number}|{memory}|512|{rng.choice([1, 2])}|running|Y|n{home}||ext||1|1")
    nodes = [f"n{n}|{totals[n]}|0|{free[n]}|16384|16384|{cores}|N|u|1||N|0|1|1.0" for n in range(count)]
    head = "g|u|preferred||\n\n" + "\n".join(nodes)
    return head + "\n\n" + "\n".join(instances) + f"\n\n\n|{STANDARD}\ng|{STANDARD}\n"


def certain_is_so(seeds: range) -> tuple[int, int]:
    """Compare with balancing; in how many cases it was certain, and in how many it was not."""
    seen = [0, 0]
    for seed in seeds:
        cluster = text.parse(even_cluster(seed))
        model = Model.of(cluster, Settings())
        asked = squeeze.measure(cluster.policy.standard, (0.0, 1.0, 3.0)[seed % 3])
        leaving = tuple(range(1 + seed % (len(model.nodes) - 1)))
        certain = squeeze_proof.surely_suffices(model, leaving, asked)
        seen[not certain] += 1
        if certain:
            after, _ = squeeze._balanced(model, leaving, offline=True)
            assert squeeze._all_online(after, secondaries=True), seed
            assert squeeze.has_room(after, asked), seed
    return seen[0], seen[1]


def small_cluster(*, exclusive: str = "N", spindles: str = "1", ratio: str = "32.0", disk: str = "100000") -> str:
    """Three nodes and five instances on external storage, one of the nodes to leave."""
    nodes = "".join(
        f"n{at}|8192|0|{(7992, 7992, 8092)[at]}|{disk}|90000|8|{'MNN'[at]}|u|1||{exclusive}|1|0|1.0\n"
        for at in range(3)
    )
    vms = "".join(f"i{at}|100|1000|1|running|Y|n{at % 3}||ext||1|{spindles}|N\n" for at in range(5))
    nodes = nodes.replace("|90000|", "|80000|", 1)
    policy = f"100,1,1024,1,1,1|128,1,128,1,1,1;65536,32,4194304,16,8,12|ext|64.0|{ratio}"
    return f"g|u|preferred||\n\n{nodes}\n{vms}\n\n|{policy}\ng|{policy}\n"


@pytest.mark.parametrize(
    ("said", "certain"),
    [
        (small_cluster(), True),
        (small_cluster(exclusive="Y", spindles="500"), False),
        (small_cluster(ratio="0.0"), False),
        (small_cluster(disk="1.0e-20"), False),
    ],
    ids=["ordinary", "spindles that are owned", "a score that is no number", "a score that swallows differences"],
)
def test_nothing_is_certain_where_the_score_has_parts_that_the_proof_does_not_know(said: str, certain: bool) -> None:
    model = Model.of(text.parse(said), Settings())
    asked = squeeze.measure(text.parse(said).policy.standard, 0.0)
    assert squeeze_proof.surely_suffices(model, (2,), asked) == certain
    after, _ = squeeze._balanced(model, (2,), offline=True)
    assert squeeze._all_online(after, secondaries=True) == certain


def test_what_is_certain_comes_true() -> None:
    certain, open_ = certain_is_so(range(120))
    assert certain >= 20
    assert open_ >= 20


@pytest.mark.parametrize("bug", ["evenness", "cores"])
def test_a_proof_too_generous_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if bug == "evenness":
        monkeypatch.setattr(squeeze_proof, "_simple", lambda model: True)
        monkeypatch.setattr(squeeze_proof, "_cost", lambda nodes, memory, vcpus: -1.0)
        monkeypatch.setattr(squeeze_proof, "sorted", lambda values, reverse: [0, *sorted(values)], raising=False)
    else:
        monkeypatch.setattr(squeeze_proof, "ratio", lambda part, whole: 0.0)
    with pytest.raises(AssertionError):
        certain_is_so(range(400))


def test_rounds_are_those_of_trying_everything() -> None:
    for seed in range(6):
        quick = Model.of(text.parse(even_cluster(seed)), Settings())
        quick.nodes[0].offline = quick.nodes[1].offline = True
        slow = quick.copy()
        engine, plain = Engine(quick, squeeze.GREEDY), PlainSearch(slow, squeeze.GREEDY)
        before = score(quick.nodes.values())
        for _ in range(12):
            found, wanted = engine.best(before), plain.best(before)
            assert (found and (found[0], found[2])) == (wanted and (wanted[0], wanted[2])), seed
            if found is None or wanted is None:
                break
            engine.commit(found[1])
            plain.commit(wanted[1])
            before = found[2]
