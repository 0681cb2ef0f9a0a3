"""TLCGet and TLCSet: levels, and a worker's registers. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "tlcget": (
        r"""
EXTENDS Naturals, TLC
VARIABLES x
Init == x = 0
Next == x' = x + 1 /\ TLCGet("level") < 5
Inv == PrintT(<<"OUT", TLCGet("level"), x>>)
""",
        """INIT Init
NEXT Next
INVARIANT Inv
CHECK_DEADLOCK FALSE""",
        ("ok", 5, 5, 5),
    ),
    "tlcset": (
        r"""
EXTENDS Naturals, TLC
VARIABLES x
ASSUME TLCSet(1, 0)
Init == x = 0
Next == x < 4 /\ x' = x + 1 /\ TLCSet(1, TLCGet(1) + 1) /\ PrintT(<<"OUT", TLCGet(1)>>)
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 5, 5, 5),
    ),
    "tlcgetc": (
        r"""
EXTENDS Naturals, TLC
VARIABLES x
Init == x = 0
Next == x' = x + 1 \/ x' = x + 2
C == PrintT(<<"OUT", TLCGet("level"), x>>) /\ TLCGet("level") < 4
""",
        """INIT Init
NEXT Next
CONSTRAINT C""",
        ("ok", 5, 11, 3),
    ),
    "tlcgeta": (
        r"""
EXTENDS Naturals, TLC
VARIABLES x
Init == x = 0
Next == x' = x + 1 \/ x' = x + 2
C == PrintT(<<"OUT", TLCGet("level"), x, x'>>) /\ TLCGet("level") < 4
""",
        """INIT Init
NEXT Next
ACTION_CONSTRAINT C""",
        ("ok", 7, 15, 4),
    ),
    "tlcgetinv": (
        r"""
EXTENDS Naturals, TLC
VARIABLES x
Init == x = 0
Next == x' = x + 1
Inv == TLCGet("level") < 4
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
