"""Long traces to a violation. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "bigtrace": (
        r"""
EXTENDS Naturals, Sequences
VARIABLES q
Init == q = <<>>
Next == \/ Len(q) < 3 /\ \E e \in {"a","b"} : q' = Append(q, e)
        \/ q # <<>> /\ q' = Tail(q)
Inv == q # <<"b","a","b">>
""",
        """INIT Init
NEXT Next
INVARIANT Inv""",
        ("invariant", 4),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
