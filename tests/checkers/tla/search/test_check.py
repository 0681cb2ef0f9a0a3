"""Checking whole specifications: verdicts, figures and traces; the expected figures are TLC's."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from checkers.tla import TlaError, TlaLimitError, TlaUnsupportedError, load, plain
from checkers.tla.search.state_graph import Options
from tests.checkers.tla.specs import COUNTER, RING, figures, run

BASE = "CONSTANTS Top = 3 Fail = FALSE\nSPECIFICATION Spec\n"
NODES = "CONSTANTS Node = {a, b, c} Nobody = Nobody\nCHECK_DEADLOCK FALSE\n"


def test_the_whole_space(tmp_path: Path) -> None:
    assert figures(run(tmp_path, COUNTER, BASE)) == ("ok", 8, 16, 5)


def test_an_invariant_is_violated_with_a_shortest_trace(tmp_path: Path) -> None:
    outcome = run(tmp_path, COUNTER, BASE + "INVARIANT Low")
    assert outcome.verdict == "invariant"
    assert outcome.violations[0].name == "Low"
    assert [state[0] for state in outcome.violations[0].trace] == [0, 1, 2]


def test_invariants_hold_outside_a_constraint_too(tmp_path: Path) -> None:
    outcome = run(tmp_path, COUNTER, BASE + "CONSTRAINT Low INVARIANT Low")
    assert (outcome.verdict, len(outcome.violations[0].trace)) == ("invariant", 3)
    assert figures(run(tmp_path, COUNTER, BASE + "CONSTRAINT Low INVARIANT Small")) == ("ok", 4, 9, 3)


def test_action_properties(tmp_path: Path) -> None:
    assert run(tmp_path, COUNTER, BASE + "PROPERTY Steps").verdict == "ok"
    outcome = run(tmp_path, COUNTER, BASE + "PROPERTIES Steps NoDrop")
    assert (outcome.verdict, outcome.violations[0].name) == ("action_property", "NoDrop")


def test_deadlock(tmp_path: Path) -> None:
    text = COUNTER.replace("Next == Up \\/ Down \\/ Turn", "Next == Up")
    outcome = run(tmp_path, text, BASE)
    assert (outcome.verdict, len(outcome.violations[0].trace)) == ("deadlock", 1)
    assert run(tmp_path, text, BASE + "CHECK_DEADLOCK FALSE").verdict == "ok"


def test_a_variable_without_a_value_is_an_error_that_names_the_action(tmp_path: Path) -> None:
    outcome = run(tmp_path, COUNTER, BASE.replace("Fail = FALSE", "Fail = TRUE"))
    error = outcome.violations[0].error
    assert outcome.verdict == "error"
    assert error is not None
    assert "Forget leaves mode without a value" in str(error)


def test_view(tmp_path: Path) -> None:
    assert figures(run(tmp_path, COUNTER, BASE + "VIEW Hidden")) == ("ok", 4, 9, 4)


def test_symmetry_counts_orbits(tmp_path: Path) -> None:
    assert figures(run(tmp_path, RING, NODES + "SPECIFICATION Spec")) == ("ok", 32, 85, 6)
    assert figures(run(tmp_path, RING, NODES + "SPECIFICATION Spec SYMMETRY Perms")) == ("ok", 10, 28, 6)


ROOMS = """---- MODULE Spec ----
EXTENDS Naturals, FiniteSets, TLC
CONSTANTS A, B
VARIABLES at, notes, last
Init == at = [a \\in A |-> {}] /\\ notes = {} /\\ last = <<>>
Enter(a, b) == b \\notin at[a] /\\ Cardinality(at[a]) < 2 /\\ at' = [at EXCEPT ![a] = @ \\cup {b}] /\\ last' = <<a, b>>
               /\\ notes' = (IF Cardinality(notes) < 2 THEN notes \\cup {[who |-> a, where |-> b]} ELSE notes)
Leave(a) == at[a] # {} /\\ at' = [at EXCEPT ![a] = {}] /\\ last' = <<>> /\\ UNCHANGED notes
Next == \\E a \\in A : Leave(a) \\/ \\E b \\in B : Enter(a, b)
Both == Permutations(A) \\cup Permutations(B)
Place == [b \\in B |-> {a \\in A : b \\in at[a]}]
===="""


def test_symmetry_in_two_sets_and_within_all_kinds_of_values(tmp_path: Path) -> None:
    config = "CONSTANTS A = {a1, a2, a3} B = {b1, b2} INIT Init NEXT Next CHECK_DEADLOCK FALSE "
    whole = load_graph(tmp_path, config)
    classes = load_graph(tmp_path, config + "SYMMETRY Both")
    assert {smallest(state) for state in whole} == {smallest(state) for state in classes}
    assert len({smallest(state) for state in whole}) == len(classes) < len(whole) / 6


def load_graph(folder: Path, config: str) -> list[Any]:
    (folder / "Spec.tla").write_text(ROOMS)
    return list(load(folder / "Spec.tla").explore(config).states)


def smallest(state: dict[str, Any]) -> tuple[Any, ...]:
    """Return a state's class, computed with all renamings."""
    found = []
    for many in itertools.permutations(("a1", "a2", "a3")):
        for few in itertools.permutations(("b1", "b2")):
            new = dict(zip(("a1", "a2", "a3", "b1", "b2"), (*many, *few), strict=True))
            rooms = sorted((new[a], sorted(new[b] for b in rooms)) for a, rooms in state["at"].items())
            notes = sorted((new[note["who"]], new[note["where"]]) for note in state["notes"])
            found.append((str(rooms), str(notes), str([new[item] for item in state["last"]])))
    return min(found)


def test_symmetry_is_refused_together_with_liveness(tmp_path: Path) -> None:
    with pytest.raises(TlaUnsupportedError):
        run(tmp_path, RING, NODES + "SPECIFICATION Strong SYMMETRY Perms PROPERTY Served")


@pytest.mark.parametrize(
    ("behaviour", "wanted", "verdict"),
    [
        ("Fair", "Often", "ok"),
        ("Fair", "Leads", "property"),
        ("Fair", "Settles", "property"),
        ("Spec", "Often", "property"),
        ("Strong", "Reaches", "property"),
        ("Strong", "Leads", "property"),
    ],
)
def test_liveness_of_the_counter(tmp_path: Path, behaviour: str, wanted: str, verdict: str) -> None:
    config = f"CONSTANTS Top = 3 Fail = FALSE\nSPECIFICATION {behaviour}\nPROPERTY {wanted}"
    outcome = run(tmp_path, COUNTER, config)
    assert outcome.verdict == verdict
    if outcome.violations:
        assert outcome.violations[0].loop_start is not None


def test_strong_fairness_is_more_than_weak(tmp_path: Path) -> None:
    assert run(tmp_path, RING, NODES + "SPECIFICATION Weak PROPERTY Served").verdict == "property"
    assert run(tmp_path, RING, NODES + "SPECIFICATION Strong PROPERTY Served").verdict == "ok"


def test_refinement_through_an_instance(tmp_path: Path) -> None:
    high = """---- MODULE High ----
EXTENDS Naturals
VARIABLE level
Init == level = 0
Next == level' \\in {level - 1, level + 1}
Spec == Init /\\ [][Next]_level
===="""
    good = COUNTER.replace("Hidden == n", "H == INSTANCE High WITH level <- n\nRefines == H!Spec\nHidden == n")
    assert run(tmp_path, good, BASE + "PROPERTY Refines", High=high).verdict == "ok"
    bad = good.replace("level <- n", "level <- 2 * n")
    outcome = run(tmp_path, bad, BASE + "PROPERTY Refines", High=high)
    assert (outcome.verdict, outcome.violations[0].name) == ("action_property", "Refines")


def test_assumptions(tmp_path: Path) -> None:
    text = COUNTER.replace("VARIABLES", "ASSUME Positive == Top > 5\nVARIABLES")
    outcome = run(tmp_path, text, BASE)
    assert (outcome.verdict, outcome.violations[0].name) == ("assumption", "Positive")


def test_replacing_definitions(tmp_path: Path) -> None:
    text = COUNTER.replace("Hidden == n", "Hidden == n\nSmaller == 1")
    assert figures(run(tmp_path, text, "CONSTANTS Top <- Smaller Fail = FALSE\nSPECIFICATION Spec"))[1] == 4


def test_going_on_after_a_violation(tmp_path: Path) -> None:
    outcome = run(tmp_path, COUNTER, BASE + "INVARIANT Low", Options(keep_going=True))
    assert outcome.figures.distinct == 8
    assert len(outcome.violations) > 1


def test_bounds(tmp_path: Path) -> None:
    config = "CONSTANTS Top = 100000 Fail = FALSE\nSPECIFICATION Spec"
    with pytest.raises(TlaLimitError):
        run(tmp_path, COUNTER, config, Options(max_states=50))
    assert run(tmp_path, COUNTER, config, Options(depth=5)).figures.depth == 5


@pytest.mark.parametrize(
    "config",
    [
        "SPECIFICATION Spec",
        BASE + "INVARIANT Nothing",
        BASE + "INIT Init",
        BASE + "INVARIANT Steps",
        BASE + "FOO Bar",
        "CONSTANTS Top = Fail = 3",
        "CONSTANTS Top <- Nowhere Fail = FALSE\nSPECIFICATION Spec",
    ],
)
def test_configurations_that_do_not_fit(tmp_path: Path, config: str) -> None:
    with pytest.raises(TlaError):
        run(tmp_path, COUNTER, config)


def test_the_graph_as_a_library_sees_it(tmp_path: Path) -> None:
    (tmp_path / "Spec.tla").write_text(COUNTER, encoding="utf-8")
    graph = load(tmp_path / "Spec.tla").explore("CONSTANTS Top = 1 Fail = FALSE\nSPECIFICATION Spec")
    assert graph.variables == ("n", "mode")
    assert list(graph.states) == [
        {"n": 0, "mode": "up"},
        {"n": 0, "mode": "down"},
        {"n": 1, "mode": "up"},
        {"n": 1, "mode": "down"},
    ]
    assert set(graph.edges) == {
        (0, "Up", 2), (0, "Turn", 1), (1, "Turn", 0), (2, "Turn", 3), (3, "Down", 1), (3, "Turn", 2),
    }  # fmt: skip
    assert list(graph.initial) == [0, 1]


def test_plain_values() -> None:
    from checkers.tla.model.expression import evaluate

    assert plain(evaluate("<<{1}, [a |-> 2], 5 :> <<>>>>")) == (frozenset({1}), {"a": 2}, {5: ()})
    assert plain(evaluate("{[a |-> 1]}")) == frozenset({plain(evaluate("[a |-> 1]"))})


def test_successors_are_counted_for_each_way_to_be_true(tmp_path: Path) -> None:
    text = """---- MODULE Spec ----
EXTENDS Naturals
VARIABLES x, y, z
Init == x = 0 /\\ y \\in SUBSET {1, 2} /\\ z = [i \\in 1..3 |-> 0]
A == /\\ \\A i \\in {1, 2} : (y' = {i} /\\ i = 1) \\/ y' = {1}
     /\\ x' = (x + 1) % 3 /\\ UNCHANGED z
B == /\\ \\A i \\in y : \\/ z[i] = 0
                     \\/ z[i] < 2
     /\\ z' \\in {[z EXCEPT ![1] = 1], [z EXCEPT ![2] = (@ + 1) % 3]}
     /\\ \\A i, j \\in y : i < j => x' = x
     /\\ y' \\subseteq y
     /\\ x' = x
C == x = 1 => x' = 2 /\\ UNCHANGED <<y, z>>
Next == A \\/ B \\/ (x = 1 /\\ C) \\/ (ENABLED A /\\ UNCHANGED <<x, y, z>>)
===="""
    assert figures(run(tmp_path, text, "INIT Init NEXT Next")) == ("ok", 48, 400, 6)


def test_enabled_is_decided_by_the_variables_of_the_instance(tmp_path: Path) -> None:
    inner = """---- MODULE Inner ----
VARIABLES a, d
Init == a = 0 /\\ d = FALSE
Detect == a = 1 /\\ d' = TRUE /\\ UNCHANGED a
Next == (a' = 1 /\\ UNCHANGED d) \\/ Detect
Spec == Init /\\ [][Next]_<<a, d>> /\\ WF_<<a, d>>(Detect)
===="""
    text = """---- MODULE Spec ----
EXTENDS Naturals
VARIABLES x, y
d == x = 1 /\\ y = 1
I == INSTANCE Inner WITH a <- x
Init == x = 0 /\\ y = 0
Next == (x' = 1 /\\ UNCHANGED y) \\/ (x = 1 /\\ y' = 1 /\\ UNCHANGED x)
Spec == Init /\\ [][Next]_<<x, y>>
Fair == Spec /\\ WF_<<x, y>>(Next)
Refines == I!Spec
===="""
    outcome = run(tmp_path, text, "SPECIFICATION Spec PROPERTY Refines", Inner=inner)
    assert (outcome.verdict, outcome.violations[0].loop_start) == ("property", 1)
    assert run(tmp_path, text, "SPECIFICATION Fair PROPERTY Refines", Inner=inner).verdict == "ok"


FILTERS = r"""---- MODULE Spec ----
EXTENDS Integers
VARIABLE n
Big == {f \in [1..8 -> 1..8] : f[n] = n /\ \A y \in 1..8 : \E x \in 1..8 : f[x] = y}
Late == {s \in SUBSET (0..n) : 6 \div (IF s = {0} THEN 0 ELSE 1) > 1}
Soon(m) == {s \in 0..m : 6 \div s > 1}
Table[i \in 0..9] == {j \in 0..9 : (i * j + n) % 3 = 0}
Init == n = 3
Next == n < 5 /\ n' = n + 1
InBig == [i \in 1..8 |-> i] \in Big /\ [i \in 1..8 |-> 1] \notin Big
InLate == {1} \in Late /\ {9} \notin Late
InSoon == 2 \in Soon(n)
Pairs == {<<a, b>> \in (1..n) \X (1..n) : a < b}
InPairs == <<1, 2>> \in Pairs /\ <<2, 1>> \notin Pairs
Moves == [][Table[1]' # Table[1] /\ (Table[1] = {j \in 0..9 : (j + n) % 3 = 0})]_n
===="""


@pytest.mark.parametrize(
    ("wanted", "verdict"),
    [
        ("INVARIANT InBig", "ok"),  # too many functions to list
        ("INVARIANT InLate", "ok"),  # the condition fails only for an element that is not tested
        ("INVARIANT InSoon", "error"),  # but a listed set is filtered as a whole
        ("INVARIANT InPairs", "ok"),
        ("PROPERTY Moves", "ok"),  # the cached value of a definition is that of the right state
    ],
)
def test_membership_in_a_filter_asks_for_one_element_as_in_tlc(tmp_path: Path, wanted: str, verdict: str) -> None:
    outcome = run(tmp_path, FILTERS, f"INIT Init NEXT Next CHECK_DEADLOCK FALSE {wanted}")
    assert outcome.verdict == verdict
