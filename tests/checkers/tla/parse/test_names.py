"""Parts of definitions named by labels, numbers and arguments."""

from pathlib import Path

import pytest

from checkers.tla import TlaError
from tests.checkers.tla.specs import figures, run

MODULE = """---- MODULE Spec ----
EXTENDS Naturals
VARIABLE x
Add(n) == /\\ x < n
          /\\ out:: x' = x + n
Q(n) == \\A i \\in 1..n : lab(i):: i < 4 /\\ x < 20
Two(n) == IF n > 2 THEN n + 1 ELSE n * 7
Init == x = 0
Next == x < 3 /\\ Add(2)!out
THEOREM Th == x < 9
Inv == PART
===="""


@pytest.mark.parametrize(
    "part",
    ["Q(3)!lab(2)", "~Q(5)!lab(4)", "Add(7)!1", "~Add(0)!1", "Two(5)!2 = 6", "Two(5)!3!<< = 5", "Two(5)!3!1 = 5",
     "Q(2)!lab(5)!2", "Q(3)!:", "Th!:", "Th!1 = x", "Th!>> = 9"],
)  # fmt: skip
def test_parts_of_a_definition(tmp_path: Path, part: str) -> None:
    config = "INIT Init\nNEXT Next\nINVARIANT Inv\nCHECK_DEADLOCK FALSE"
    assert figures(run(tmp_path, MODULE.replace("PART", part), config)) == ("ok", 3, 3, 3)


@pytest.mark.parametrize("part", ["Add(7)!3", "Add(7)!elsewhere", "Two!1", "Q(3)!lab"])
def test_parts_that_are_not_there(tmp_path: Path, part: str) -> None:
    with pytest.raises(TlaError):
        run(tmp_path, MODULE.replace("PART", part), "INIT Init\nNEXT Next\nINVARIANT Inv\n")
