"""Functions: applied, constant, recursive, of two arguments. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "a conjunct that applies a function is true in as many ways as its body": (
        r"""
EXTENDS Naturals
VARIABLE x
F == [i \in 1..3 |-> x < i \/ x = 0 \/ i = 7]
Init == x = 0
Next == F[1] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 3, 2),
    ),
    "a function of two arguments in LET": (
        r"""
EXTENDS Naturals
VARIABLE x
Init == x = 0
Next == LET F == [i \in 1..3, j \in 1..2 |-> x < i \/ x < j] IN F[1, 2] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 4, 2),
    ),
    "a function within an existential": (
        r"""
EXTENDS Naturals
VARIABLE x
Init == x = 0
Next == LET F == [i \in 1..3 |-> x < i \/ x = 0] IN \E j \in 1..2 : F[j] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 6, 2),
    ),
    "a constant function of a module is listed beforehand": (
        r"""
EXTENDS Naturals
VARIABLE x
F == [i \in 1..3 |-> i < 2 \/ i < 3]
Init == x = 0
Next == F[1] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 3, 2),
    ),
    "a recursive function is gone through": (
        r"""
EXTENDS Naturals
VARIABLE x
F[i \in 0..3] == x = 7 \/ i = 0 \/ \E j \in 0..(i-1) : F[j] /\ (F[j] \/ i = 1)
Init == x = 0
Next == F[3] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 61, 2),
    ),
    "a recursive function in LET, with implications and universals": (
        r"""
EXTENDS Naturals
VARIABLE x
Init == x = 0
Next == LET F[i \in 0..2] == i = 0 \/ \E j \in 0..(i-1) : F[j] /\ \A k \in 1..2 : F[j] \/ x > 7 IN F[2] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 5, 2),
    ),
    "a constant recursive function in LET": (
        r"""
EXTENDS Naturals
VARIABLE x
Init == x = 0
Next == LET F[i \in 0..2] == i = 0 \/ \E j \in 0..(i-1) : (j # 0) => F[j] IN F[2] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 5, 2),
    ),
    "funcbranch2": (
        r"""
EXTENDS Naturals
VARIABLES x
F == [n \in 0..3 |-> n >= 0 \/ n < 5]
Init == x = 0
Next == F[x] /\ x' = (x + 1) % 4
""",
        """INIT Init
NEXT Next""",
        ("ok", 4, 5, 4),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
