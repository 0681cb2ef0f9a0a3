"""Junctions, quantifiers, CASE and LET as predicates and as actions. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "a negation is one test": (
        r"""
EXTENDS Naturals
VARIABLE x
Init == x = 0
Next == LET F == [i \in 1..3 |-> x < i \/ x = 0] IN ~ ~ F[1] /\ x' = 1 - x
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 2, 2, 2),
    ),
    "a definition drawn at random is the same everywhere, a LET is not": (
        r"""
EXTENDS Naturals, FiniteSets, TLC
VARIABLE x
Drawn == {RandomElement(1..1000000), RandomElement(1..1000000)}
Through(n) == Drawn
ASSUME Drawn = Drawn /\ Through(1) = Through(2)
ASSUME Cardinality({LET r == RandomElement(1..1000000) IN r : i \in 1..9}) > 1
Init == x = Drawn
Next == x' = Drawn
Same == x = Drawn /\ x = Through(3)
""",
        """INIT Init
NEXT Next
INVARIANT Same""",
        ("ok", 1, 2, 1),
    ),
    "case": (
        r"""
EXTENDS Naturals
VARIABLES x
Init == x = 0
Next == CASE x = 0 -> x' = 1 [] x = 1 -> x' \in {2,3} [] OTHER -> x' = 0
""",
        """INIT Init
NEXT Next""",
        ("ok", 4, 6, 3),
    ),
    "iff": (
        r"""
EXTENDS Naturals
VARIABLES x, y
Init == x \in 0..1 /\ y = (IF x = 0 THEN 1 ELSE 0)
Next == IF x = 0 THEN x' = 1 /\ y' = x ELSE \E k \in 0..2 : x' = k /\ y' = x'
""",
        """INIT Init
NEXT Next""",
        ("ok", 5, 13, 2),
    ),
    "disj": (
        r"""
EXTENDS Naturals
VARIABLES x, y
Init == x = 0 /\ y = 0
Next == /\ x < 3 /\ (x' = x + 1 \/ x' = x) /\ (y' = 0 \/ y' = 1 \/ (x = 2 /\ y' = 2))
""",
        """INIT Init
NEXT Next""",
        ("deadlock", 4),
    ),
    "lets": (
        r"""
EXTENDS Naturals
VARIABLES x
Init == x = 0
Next == LET A == x' = x + 1 B(k) == x' = k IN (x < 3 /\ A) \/ B(0) \/ \E k \in 5..6 : B(k) /\ x = 3
""",
        """INIT Init
NEXT Next""",
        ("ok", 6, 12, 5),
    ),
    "impl": (
        r"""
EXTENDS Naturals
VARIABLES x, y
Init == x = 0 /\ y = 0
Next == (x < 2 => x' = x + 1) /\ (x >= 2 => x' = 0) /\ y' = y
""",
        """INIT Init
NEXT Next""",
        ("ok", 3, 4, 3),
    ),
    "forall": (
        r"""
EXTENDS Naturals
VARIABLES x, y
Init == x = 0 /\ y = 0
Next == \A k \in {1} : x' = (x + k) % 3 /\ (y' = 0 \/ y' = k)
""",
        """INIT Init
NEXT Next""",
        ("ok", 6, 13, 4),
    ),
    "subsetassign": (
        r"""
EXTENDS Naturals
VARIABLES x
Init == x \in SUBSET {1,2}
Next == x' \subseteq {1,2,3}
""",
        """INIT Init
NEXT Next""",
        ("ok", 8, 68, 2),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
