"""0 and FALSE, 1 and TRUE are equal to Python and must not be confused."""

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
