"""CHOOSE takes the first in the order of values. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "choose": (
        r"""
EXTENDS Naturals
CONSTANT S
VARIABLES x
Init == x = CHOOSE s \in S : TRUE
Next == x' = CHOOSE s \in S : s # x
""",
        """CONSTANT S = {b, a, c}
INIT Init
NEXT Next""",
        ("ok", 2, 3, 2),
    ),
    "strchoose": (
        r"""
VARIABLES x
Init == x = CHOOSE s \in {"zeta", "alpha", "mid"} : TRUE
Next == x' = CHOOSE s \in {"alpha", "new", "zeta"} : s # x
""",
        """INIT Init
NEXT Next""",
        ("ok", 2, 3, 2),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
