"""Small specifications, one for each thing that the language or the configuration can do; the figures are TLC's."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import figures, run

SPECIFICATIONS = {
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
    body, config, expected = SPECIFICATIONS[name]
    outcome = run(tmp_path, f"---- MODULE Spec ----{body}====\n", config)
    if len(expected) == 4:
        assert figures(outcome) == expected
    else:
        assert (outcome.verdict, len(outcome.violations[0].trace)) == expected
