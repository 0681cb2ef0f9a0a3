"""The search for shared storage: the plain search's moves and scores, and errors within the bound."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from htools.backends import text
from htools.balance import class_search
from htools.balance.arrays import representable
from htools.balance.class_search import NOBODY, ClassSearch, serves
from htools.balance.exact_score import ExactScore
from htools.balance.plain_search import PlainSearch
from htools.balance.rounds import Search, search_for
from htools.model.arrays import NodeArrays
from htools.model.cluster import Model
from htools.model.moves import attempt
from htools.model.score import score
from spec.allocator.cluster import DiskTemplate
from spec.allocator.decisions import FailMode, Move, MoveKind, Rules, Settings
from tests import budget

ROUNDS = 14


def shared_cluster(seed: int) -> str:
    """Make the text of a cluster on shared storage: tight or roomy, with offline nodes, memory missing, odd cores.

    Mirrored instances that balancing does not move make nodes fail N+1; sometimes a node has many small ones.
    """
    rng = random.Random(seed)
    count, cores = rng.randint(2, 6), rng.choice([2, 3, 16])
    crowded = rng.random() < 0.2
    sizes = [16] if crowded else rng.choice([[256], [256, 768, 1280], [333, 1000, 128]])
    free = [rng.choice([3072, 4096, 9000]) for _ in range(count)]
    room = list(free)
    instances = []
    for number in range(rng.randint(30, 50) if crowded else rng.randint(2 * count, 7 * count)):
        home, memory = min(rng.randrange(count) for _ in range(4)), rng.choice(sizes)
        status = rng.choice(["running"] * 6 + ["ADMIN_down"])
        kind, balanced, other = rng.choice(["ext"] * 12 + ["rbd", "plain", "gluster"]), rng.choice("YYYYYN"), ""
        if rng.random() < 0.15:
            kind, balanced, memory, other = "drbd", "Y", rng.choice([1000, 2500]), f"n{(home + 1) % count}"
        if free[home] < memory:
            continue
        free[home] -= memory if status == "running" else 0
        instances.append(
            f"i{number}|{memory}|51|{rng.choice([0, 1, 2])}|{status}|{balanced}|n{home}|{other}|{kind}||1|1"
        )
    lines = []
    for at in range(count):
        left = max(0, free[at] - rng.choice([0, 0, 0, 100, 2000]))
        offline, speed = "NY"[at > 0 and rng.random() < 0.3], rng.choice(["1.0", "1.0", "0.7"])
        tag = "htools:standby:b" if offline == "Y" and rng.random() < 0.7 else ""
        lines.append(f"n{at}|{room[at]}|0|{left}|16384|9000|{cores}|{offline}|u|1|{tag}|N|0|1|{speed}")
    policy = "1024,1,1024,1,1,1|128,1,256,1,1,1;8192,8,4096,16,8,12|ext,rbd,plain,gluster,drbd"
    policy += f"|{rng.choice([4.0, 1.5])}|32.0"
    head = "g|u|preferred||\n\n" + "\n".join(lines)
    return head + "\n\n" + "\n".join(instances) + f"\n\n\n|{policy}\ng|{policy}\n"


def rules_of(seed: int) -> Rules:
    return Rules(
        ignore_soft=seed % 5 == 1, evacuation=seed % 7 == 2, instance_moves=seed % 23 != 3, restricted_migration=False
    )


def disturbed(model: Model, search: Search, rng: random.Random) -> float:
    """Make a random move, good or bad; return the score after it."""
    vm = rng.choice([vm for _, vm in class_search._movable(model)])
    targets = [index for index, node in model.nodes.items() if not node.offline and index != vm.primary]
    if targets:
        moved = attempt(model, Move(vm.index, MoveKind.FAILOVER_TO_ANY, rng.choice(targets)), ignore_soft=True)
        if not isinstance(moved, FailMode):
            search.commit(moved)
    return score(model.nodes.values())


def steps(model: Model, search: Search, seed: int) -> list[tuple[Move, float]]:
    """Return moves and scores of some rounds, with bad moves between them."""
    rng, before, found = random.Random(seed), score(model.nodes.values()), []
    for _ in range(ROUNDS):
        best = search.best(before)
        if best is not None:
            found.append((best[0], best[2]))
            search.commit(best[1])
            before = best[2]
        if best is None or rng.random() < 0.4:
            before = disturbed(model, search, rng)
    return found


def model_of(said: str, vcpu_ratio: float | None = None) -> Model:
    """Make the model of a cluster whose mirrored instances stay where they are."""
    cluster = text.parse(said)
    fixed = frozenset(at for at, vm in enumerate(cluster.instances) if vm.disk_template is DiskTemplate.DRBD)
    return Model.of(cluster, Settings(vcpu_ratio=vcpu_ratio, fixed=fixed))


def models(seeds: range) -> Iterator[tuple[int, Model]]:
    for seed in seeds:
        model = model_of(shared_cluster(seed), 1.0 if seed % 6 == 0 else None)
        if representable(model) and serves(model):
            yield seed, model


def compared(seeds: range) -> int:
    """Compare moves with those of the plain search; return how many."""
    moves = 0
    for seed, model in models(seeds):
        rules, copy = rules_of(seed), model.copy()
        expected = steps(copy, PlainSearch(copy, rules), seed)
        assert steps(model, ClassSearch(model, rules), seed) == expected, seed
        moves += len(expected)
    return moves


def test_rounds_are_those_of_the_plain_search() -> None:
    assert compared(range(40)) >= 200


def crowded() -> Model:
    """Make a node that meets N+1 without one instance, which lowers the score more than leaving an offline node."""
    policy = "1024,1,1024,1,1,1|128,1,256,1,1,1;8192,8,4096,16,8,12|ext,drbd|64.0|32.0"
    free = {0: 999, 1: 7192, 2: 8176, 3: 8192, 4: 8192}
    nodes = "".join(f"n{at}|8192|0|{free[at]}|16384|16000|9|{'NY'[at == 2]}|u|1||N|0|1|1.0\n" for at in free)
    vms = "".join(f"i{at}|16|51|1|running|Y|n0||ext||1|1\n" for at in range(30))
    vms += "last|16|51|1|running|Y|n2||ext||1|1\nkept|1000|51|1|running|Y|n1|n0|drbd||1|1\n"
    vms += "rest|5697|51|1|running|N|n0||ext||1|1\nmore|1016|51|1|running|N|n0||ext||1|1\n"
    return model_of(f"g|u|preferred||\n\n{nodes}\n{vms}\n\n|{policy}\ng|{policy}\n")


def test_another_move_may_be_worth_more_than_an_evacuation() -> None:
    slow, quick = crowded(), crowded()
    before = score(slow.nodes.values())
    wanted, found = PlainSearch(slow, Rules()).best(before), ClassSearch(quick, Rules()).best(before)
    assert wanted is not None
    assert found is not None
    assert (found[0], found[2]) == (wanted[0], wanted[2])
    assert slow.instances[found[0].instance].primary == 0


@pytest.mark.long
def test_many_rounds_are_those_of_the_plain_search() -> None:
    wanted = budget.spent(ci=1000, weekly=4000)
    budget.compare_until(compared, lambda moves: moves >= wanted, ci=150, weekly=600)


def nearness(search: ClassSearch) -> float:
    """Return the largest error of a candidate's score as a fraction of the bound; assert which ones are refused."""
    worst, model = 0.0, search.model
    exact = ExactScore(model, NodeArrays(list(model.nodes.values())))
    names = list(model.instances)
    online = [index for index, node in model.nodes.items() if not node.offline]
    for source in range(search.count + 1):
        kinds = np.flatnonzero(search.first[:, source] != NOBODY)
        if not len(kinds):
            continue
        offline = source == search.count
        homes = None if offline else np.full(len(kinds), source)
        scores, error = search._scores(kinds, homes)
        fits = search._fits(kinds, force=offline or search.rules.ignore_soft)
        for row, kind in enumerate(kinds.tolist()):
            for target, node in enumerate(online):
                if target == source:
                    continue
                move = Move(names[search.first[kind, source]], MoveKind.FAILOVER_TO_ANY, node)
                moved = attempt(model, move, ignore_soft=search.rules.ignore_soft)
                assert fits[row, target] == (not isinstance(moved, FailMode)), move
                if not isinstance(moved, FailMode):
                    worst = max(worst, abs(float(scores[row, target]) - exact.score(moved.nodes)) / error)
    return worst


def near(seeds: range) -> float:
    worst = 0.0
    for seed, model in models(seeds):
        search = ClassSearch(model, rules_of(seed))
        worst = max(worst, nearness(search))
        steps(model, search, seed)
        worst = max(worst, nearness(search))
    return worst


def test_scores_are_within_the_bound() -> None:
    worst = near(range(60))
    assert 0.0 < worst <= 1.0


def test_a_flat_cluster_is_within_the_bound() -> None:
    """Equal nodes with equal instances: all deviations are 0, where roots magnify errors most."""
    nodes = "".join(f"n{at}|8192|0|7526|100000|100000|3|N|u|1||N|0|1|0.7\n" for at in range(7))
    vms = "".join(f"i{at}|333|1000|1|running|Y|n{at % 7}||ext||1|1\n" for at in range(14))
    model = Model.of(text.parse(f"g|u|preferred||\n\n{nodes}\n{vms}\n\n"), Settings())
    assert nearness(ClassSearch(model, Rules())) <= 1.0


@pytest.mark.parametrize("change", ["mirrored", "exclusion tag", "forthcoming", "exclusive storage"])
def test_others_are_left_to_the_engine(change: str) -> None:
    node = "n{}|8192|0|7526|100000|100000|3|N|u|1||{}|4|4|1.0\n"
    line = "i0|333|51|1|running|Y|n0|{}|{}|{}|1|1|{}\n"

    def served(*, exclusive: str = "N", other: str = "", kind: str = "ext", tags: str = "", forth: str = "N") -> bool:
        nodes = "".join(node.format(at, exclusive) for at in range(3))
        vms = line.format(other, kind, tags, forth)
        model = Model.of(text.parse(f"g|u|preferred||\n\n{nodes}\n{vms}\n\n"), Settings(exclusion_prefixes=("svc:",)))
        return isinstance(search_for(model, Rules()), ClassSearch)

    assert served()
    assert not {
        "mirrored": served(other="n1", kind="drbd"),
        "exclusion tag": served(tags="svc:a"),
        "forthcoming": served(forth="Y"),
        "exclusive storage": served(exclusive="Y"),
    }[change]


BUGS = {
    "errors_forgotten": ("return error + own + 64.0", "return 1e-9 * error + 1e-9 * own + 1e-9"),
    "offline_instances_first_at_any_price": (">= self._counted() - self._failing()", ">= np.inf"),
    "last_instance_of_a_class": ("self.first[kind, old] = members[0] if", "self.first[kind, old] = members[-1] if"),
    "newcomers_come_last": (
        "self.first[kind, new] = self._members[kind, new][0]",
        "self.first[kind, new] = self._members[kind, new][-1]",
    ),
    "cores_without_limit": (
        "and (condition.planned or condition.limit is not Limit.CORES)",
        "and condition.limit is not Limit.CORES",
    ),
    "planned_memory_ignored": (
        "Figure.FREE_MEMORY: nodes.planned_free_memory",
        "Figure.FREE_MEMORY: nodes.planned_free_memory + 1e9",
    ),
    "reserve_ignored": ("failing += float(nodes.count[target]) + 1.0", "failing += 0.0"),
    "accounts_not_kept": ("nodes.free_memory[at] -= sign * float(self.used[kind])", "pass"),
    "evacuation_is_free": ("(EVACUATED if homes is None else 0.0)", "0.0"),
}


def whole_search(seeds: int) -> None:
    test_another_move_may_be_worth_more_than_an_evacuation()
    assert near(range(12)) <= 1.0
    compared(range(seeds))


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = BUGS[bug]
    source = Path(str(class_search.__file__)).read_text()
    assert source.count(old) == 1, f"the line to change is not there once: {old}"
    changed: dict[str, object] = {"__name__": class_search.__name__}
    exec(compile(source.replace(old, new), "classes (planted)", "exec"), changed)  # noqa: S102
    monkeypatch.setitem(globals(), "ClassSearch", changed["ClassSearch"])
    with pytest.raises(AssertionError):
        whole_search(400)
