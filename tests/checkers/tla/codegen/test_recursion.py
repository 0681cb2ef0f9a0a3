"""Recursive operators, of constants, in LET and as actions. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "a recursive operator is gone through": (
        r"""
EXTENDS Naturals
VARIABLE x
RECURSIVE R(_)
R(n) == n = 0 \/ \E j \in 0..(n-1) : x < 4 /\ R(j)
Init == x = 0
Next == R(3) /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 9, 2),
    ),
    "a recursive operator in LET": (
        r"""
EXTENDS Naturals
VARIABLE x
Init == x = 0
Next == LET RECURSIVE R(_)
            R(n) == n = 0 \/ (n > 0 /\ R(n-1)) \/ x < 5
        IN  R(2) /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 9, 2),
    ),
    "a recursive operator that gives variables values": (
        r"""
EXTENDS Naturals
VARIABLE x
RECURSIVE R(_, _)
R(n, y) == \/ n = 0 /\ x' = y
           \/ n > 0 /\ R(n-1, 1-y)
Init == x = 0
Next == R(3, 0) /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 2, 2),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
