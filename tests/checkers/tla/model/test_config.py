"""Statements of a configuration: a view, constraints, a postcondition. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "view": (
        r"""
EXTENDS Naturals
VARIABLES x, t
V == x
Init == x = 0 /\ t = 0
Next == x' = (x + 1) % 4 /\ t' = t + 1
Inv == t < 10
""",
        """INIT Init
NEXT Next
VIEW V
INVARIANT Inv""",
        ("ok", 4, 5, 4),
    ),
    "constraint2": (
        r"""
EXTENDS Naturals
VARIABLES x
Init == x \in {0, 7}
Next == x' = x + 1 \/ x' = x + 2
C == x < 5
Inv == x < 9
""",
        """INIT Init
NEXT Next
CONSTRAINT C
INVARIANT Inv""",
        ("ok", 5, 12, 3),
    ),
    "actconstraint": (
        r"""
EXTENDS Naturals
VARIABLES x
Init == x = 0
Next == x' = x + 1 \/ x' = x + 2
C == x' < 5 /\ x' # x + 2
""",
        """INIT Init
NEXT Next
ACTION_CONSTRAINT C""",
        ("ok", 5, 11, 5),
    ),
    "postcondition": (
        r"""
EXTENDS Naturals, TLC
VARIABLES x
Init == x = 0
Next == x < 3 /\ x' = x + 1
Pc == PrintT(<<"OUT", TLCGet("distinct"), TLCGet("diameter"), TLCGet("generated")>>) /\ TLCGet("distinct") = 5
""",
        """INIT Init
NEXT Next
POSTCONDITION Pc
CHECK_DEADLOCK FALSE""",
        ("assumption", 0),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
