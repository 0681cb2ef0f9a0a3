"""Temporal properties: fairness, nesting, stuttering, boxed actions. The figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import Expected, agrees

SPECIFICATIONS: dict[str, Expected] = {
    "nested": (
        r"""
EXTENDS Naturals
VARIABLES x
---- MODULE Inner ----
VARIABLE h
A == x' = x + h
B == h' = h
====
I(h) == INSTANCE Inner
Init == x = 0
Next == x < 5 /\ \E k \in 1..2 : I(k)!A
""",
        """INIT Init
NEXT Next
CHECK_DEADLOCK FALSE""",
        ("ok", 7, 11, 4),
    ),
    "sf": (
        r"""
EXTENDS Naturals
VARIABLES x, y
A == x = 0 /\ x' = 1 /\ y' = y
B == x = 1 /\ x' = 0 /\ y' = y
C == x = 1 /\ y = 0 /\ y' = 1 /\ x' = x
Init == x = 0 /\ y = 0
Next == A \/ B \/ C
vars == <<x,y>>
Spec == Init /\ [][Next]_vars /\ WF_vars(A) /\ WF_vars(B) /\ WF_vars(C)
P == <>(y = 1)
""",
        """SPECIFICATION Spec
PROPERTY P""",
        ("property", 4, 6, 4),
    ),
    "sf2": (
        r"""
EXTENDS Naturals
VARIABLES x, y
A == x = 0 /\ x' = 1 /\ y' = y
B == x = 1 /\ x' = 0 /\ y' = y
C == x = 1 /\ y = 0 /\ y' = 1 /\ x' = x
Init == x = 0 /\ y = 0
Next == A \/ B \/ C
vars == <<x,y>>
Spec == Init /\ [][Next]_vars /\ WF_vars(A) /\ SF_vars(C)
P == <>(y = 1)
Q == (x = 1) ~> (y = 1)
R == []<>(x = 1)
""",
        """SPECIFICATION Spec
PROPERTIES P Q R""",
        ("ok", 4, 6, 4),
    ),
    "fairparam": (
        r"""
EXTENDS Naturals
CONSTANT S
VARIABLES x
A(i) == x[i] < 2 /\ x' = [x EXCEPT ![i] = @ + 1]
R(i) == x[i] = 2 /\ x' = [x EXCEPT ![i] = 0]
Init == x = [i \in S |-> 0]
Next == \E i \in S : A(i) \/ R(i)
Spec == Init /\ [][Next]_x /\ \A i \in S : WF_x(A(i)) /\ WF_x(R(i))
P == \A i \in S : []<>(x[i] = 2)
Q == \A i \in S : <>[](x[i] = 2)
""",
        """CONSTANT S = {a, b}
SPECIFICATION Spec
PROPERTY P Q""",
        ("property", 9, 19, 5),
    ),
    "fairok": (
        r"""
EXTENDS Naturals
CONSTANT S
VARIABLES x
A(i) == x[i] < 2 /\ x' = [x EXCEPT ![i] = @ + 1]
R(i) == x[i] = 2 /\ x' = [x EXCEPT ![i] = 0]
Init == x = [i \in S |-> 0]
Next == \E i \in S : A(i) \/ R(i)
Spec == Init /\ [][Next]_x /\ \A i \in S : WF_x(A(i)) /\ WF_x(R(i))
P == \A i \in S : []<>(x[i] = 2)
L == \A i \in S : (x[i] = 1) ~> (x[i] = 2)
""",
        """CONSTANT S = {a, b}
SPECIFICATION Spec
PROPERTY P L""",
        ("ok", 9, 19, 5),
    ),
    "stutter": (
        r"""
VARIABLES x
Init == x = 0
Next == x' = 1 /\ x = 0
Spec == Init /\ [][Next]_x
P == <>(x = 1)
""",
        """SPECIFICATION Spec
PROPERTY P
CHECK_DEADLOCK FALSE""",
        ("property", 2, 2, 2),
    ),
    "liveness": (
        r"""
EXTENDS Naturals
VARIABLES x
Init == x = 0
Next == x' = (x + 1) % 5
Spec == Init /\ [][Next]_x /\ WF_x(Next)
P == []<>(x = 3) /\ (x = 1 ~> x = 0)
Q == <>[](x # 4)
""",
        """SPECIFICATION Spec
PROPERTIES P Q""",
        ("property", 5, 6, 5),
    ),
    "boxaction": (
        r"""
EXTENDS Naturals
VARIABLES x
Init == x = 0
Next == x' = (x + 1) % 5
P == [][x' > x]_x
""",
        """INIT Init
NEXT Next
PROPERTY P""",
        ("action_property", 6),
    ),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_specification_gives_what_tlc_gives(tmp_path: Path, name: str) -> None:
    agrees(tmp_path, *SPECIFICATIONS[name])
