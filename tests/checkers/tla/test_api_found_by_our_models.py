"""Faults of the checker that the project's own models showed."""

from pathlib import Path

from checkers.tla import load

MODULE = """---- MODULE Kinds ----
EXTENDS Naturals
CONSTANTS Numbers, Truths
VARIABLES number, truth
Init == /\\ truth \\in Truths /\\ number \\in Numbers
Next == /\\ truth' \\in Truths /\\ number' = CHOOSE x \\in Numbers \\cup {number} : \\A y \\in Numbers : x <= y
====
"""


def test_sets_of_truths_and_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "Kinds.tla"
    path.write_text(MODULE)
    config = "CONSTANTS Numbers = {0} Truths = {FALSE}\nINIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE\n"
    states = list(load(path).explore(config).states)
    assert [(type(state["number"]), type(state["truth"])) for state in states] == [(int, bool)]


RECURSIVE = """---- MODULE Again ----
EXTENDS Naturals, FiniteSets
VARIABLES left, seen
RECURSIVE Down(_, _)
Down(n, s) == IF n = 0 THEN [left |-> n, seen |-> s] ELSE Down(n - 1, s \\cup {n})
Result(n) ==
    LET kept == left
    IN IF kept = 7 THEN [left |-> 0, seen |-> {}]
       ELSE IF kept = 6 THEN Down(n, {})
       ELSE LET down == Down(n, {n + 5}) IN [down EXCEPT !.seen = @ \\ {1}]
Init == left = 1 /\\ seen = {}
Next == \\E n \\in 1..2 : left' = Result(n).left /\\ seen' = Result(n).seen
====
"""


def test_a_recursive_operator_used_in_two_branches_of_a_let(tmp_path: Path) -> None:
    path = tmp_path / "Again.tla"
    path.write_text(RECURSIVE)
    states = list(load(path).explore("INIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE\n").states)
    assert [state["seen"] for state in states] == [frozenset(), {6}, {2, 7}]
