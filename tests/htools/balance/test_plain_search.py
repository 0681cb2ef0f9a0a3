"""Clusters that vectors do not represent use the plain search; each of these once had wrong results in vectors.

They are ordinary except for one figure: cores below zero, a node so slow or small that one more instance makes a
value infinite, nothing online. Ganeti's hbal accepts all of them.
"""

import numpy as np
import pytest

from htools.backends import text
from htools.balance import arrays
from htools.balance.plain_search import PlainSearch
from htools.balance.rounds import search_for
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.score import score
from spec.allocator.decisions import Move, Rules, Settings

POLICY = "g|128,1,1024,1,1,1|128,1,128,1,1,1;65536,32,4194304,16,8,12|drbd,ext|4.0|32.0\n"
NODE = "n{}|8192|0|8192|100000|90000|8|N|u|4||N|0|0|1.0\n"
MIRRORED = "i{}|1000|5000|1|running|Y|n0|n1|drbd||1|-|N\n"
SHARED = "i{}|1000|5000|1|running|Y|n0||ext||1|-|N\n"

CASES = {
    "cores below zero": ("|90000|8|", "|90000|-8|", 0),
    "a speed of next to nothing": ("|1.0\n", "|1.0e-310\n", 3),
    "a speed whose square is nothing": ("|1.0\n", "|1.0e-200\n", 3),
    "memory of next to nothing": ("|8192|0|8192|", "|1.0e-300|0|0|", 3),
    "disk of next to nothing": ("|100000|90000|", "|1.0e-300|0|", 3),
}
"""The text replaced in the lines of nodes, and the first node changed."""


def cluster(case: str, vm: str) -> str:
    old, new, first = CASES[case]
    nodes = "".join(NODE.format(at).replace(old, new) if at >= first else NODE.format(at) for at in range(4))
    assert new in nodes
    return f"g|u|preferred||\n\n{nodes}\n{vm.format(0)}{vm.format(1)}\n\n{POLICY}"


def moves(said: str, rules: Rules, *, plain: bool) -> list[tuple[Move, float]]:
    model = Model.of(text.parse(said), Settings())
    search = PlainSearch(model, rules) if plain else search_for(model, rules)
    before, found = score(model.nodes.values()), []
    while (best := search.best(before)) is not None:
        found.append((best[0], best[2]))
        search.commit(best[1])
        before = best[2]
    return found


@pytest.mark.parametrize("vm", [MIRRORED, SHARED], ids=["mirrored", "shared"])
@pytest.mark.parametrize("case", CASES)
def test_moves_are_those_of_the_plain_search(case: str, vm: str) -> None:
    said = cluster(case, vm)
    assert moves(said, Rules(), plain=False) == moves(said, Rules(), plain=True) != []


def test_spindles_whose_least_use_is_infinite() -> None:
    said = cluster("cores below zero", MIRRORED.replace("||1|", "||0|"))
    said = said.replace("|-8|", "|8|").replace("|4.0|32.0", "|4.0|1.0e-200")
    rules = Rules(ignore_soft=True)
    assert moves(said, rules, plain=False) == moves(said, rules, plain=True) != []


@pytest.mark.parametrize("field", ["|1000|", "|5000|", "|1|running"])
def test_instances_smaller_than_nothing_are_left_to_the_plain_search(field: str) -> None:
    said = cluster("cores below zero", MIRRORED).replace("|-8|", "|8|")
    model = Model.of(text.parse(said.replace(field, f"|-{field[1:]}", 1)), Settings())
    assert isinstance(search_for(Model.of(text.parse(said), Settings()), Rules()), Engine)
    assert isinstance(search_for(model, Rules()), PlainSearch)


TWICE = SHARED.replace("|n0||ext", "|n3|n3|ext")


@pytest.mark.parametrize("other", [MIRRORED, SHARED], ids=["mirrored", "shared"])
def test_an_instance_that_names_an_offline_node_twice(other: str) -> None:
    """Vectors computed a gain of twenty for its move, and found no other; as a secondary it gains nothing."""
    nodes = "".join(NODE.format(at) for at in range(3)) + NODE.format(3).replace("|N|u", "|Y|u")
    said = f"g|u|preferred||\n\n{nodes}\n{TWICE.format(0)}{other.format(1)}{other.format(2)}\n\n{POLICY}"
    assert moves(said, Rules(), plain=False) == moves(said, Rules(), plain=True) != []


def test_vectors_that_take_an_instance_on_one_node_for_an_ordinary_one_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrays, "_counted_as_usual", lambda _: True)
    with pytest.raises(AssertionError):
        test_an_instance_that_names_an_offline_node_twice(MIRRORED)


@pytest.mark.parametrize("vm", [MIRRORED, SHARED], ids=["mirrored", "shared"])
def test_with_nothing_online_there_is_no_move(vm: str) -> None:
    """Its score is 0, which is above a least score of −1."""
    nodes = "".join(NODE.format(at).replace("|N|u", "|Y|u") for at in range(2))
    assert moves(f"g|u|preferred||\n\n{nodes}\n{vm.format(0)}\n\n{POLICY}", Rules(), plain=False) == []


@pytest.mark.parametrize("relaxed", ["_sensible", "_stays_small"])
def test_accepting_any_model_is_found(relaxed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, relaxed, lambda _: True)
    differing = 0
    for case in CASES:
        said = cluster(case, MIRRORED)
        with np.errstate(all="ignore"):
            differing += moves(said, Rules(), plain=False) != moves(said, Rules(), plain=True)
    assert differing
