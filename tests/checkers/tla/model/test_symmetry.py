"""Symmetry: permutations of model values merge states. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "symm": (
        r"""
EXTENDS TLC, Naturals, FiniteSets
CONSTANT S
VARIABLES x
Perms == Permutations(S)
Init == x = {}
Next == \/ \E i \in S : i \notin x /\ x' = x \cup {i}
        \/ \E i \in x : x' = x \ {i}
Inv == Cardinality(x) < 3
""",
        """CONSTANT S = {a, b, c}
INIT Init
NEXT Next
SYMMETRY Perms
INVARIANT Inv""",
        ("invariant", 4),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
