"""ENABLED in invariants and in actions. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "enabledinv": (
        r"""
EXTENDS Naturals
VARIABLES x
A == x < 3 /\ x' = x + 1
B == x > 1 /\ x' = 0
Init == x = 0
Next == A \/ B
Inv == ENABLED A \/ ENABLED B
Inv2 == ENABLED A => x < 3
Inv3 == ~ENABLED B
""",
        """INIT Init
NEXT Next
INVARIANTS Inv Inv2 Inv3""",
        ("invariant", 3),
    ),
    "enabledin": (
        r"""
EXTENDS Naturals
VARIABLES x, y
A == x < 3 /\ x' \in {x+1, x+2} /\ y' = y
Init == x = 0 /\ y = 0
Next == A \/ (~ENABLED A /\ y' = 1 - y /\ UNCHANGED x)
""",
        """INIT Init
NEXT Next""",
        ("ok", 7, 11, 4),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
