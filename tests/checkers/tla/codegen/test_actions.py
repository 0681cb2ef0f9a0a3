"""ENABLED in an instance: the next values of the instance's variables are free, whatever replaces the variables."""

from pathlib import Path

import pytest

from tests.checkers.tla.specs import run

PAIR = """---- MODULE Pair ----
EXTENDS Naturals
VARIABLES left, right
Lift == left' = 5
Push == right' = 6
Parts == ENABLED (Lift /\\ Push)
Differ == ENABLED (left # right /\\ left' = 5)
Twice == ENABLED (left' = 5 /\\ left' = 6)
Stay == ENABLED (Lift /\\ UNCHANGED right)
Still == ENABLED (UNCHANGED <<left, right>> /\\ left' # right')
Sum == ENABLED (Lift /\\ Push /\\ (left + right)' = 11)
Some == ENABLED (left' \\in {4, 5} /\\ right' \\in {left' + 1} /\\ right' = 6)
Choose == ENABLED (\\E k \\in 1..6 : left' = k /\\ right' = k + 1)
Angle == ENABLED <<Lift /\\ right' = right>>_<<left, right>>
Branch == ENABLED (IF left = right THEN Lift /\\ Push ELSE left' = right /\\ right' = left)
Within == ENABLED (Lift /\\ ENABLED (left' = 7 /\\ right' = 8) /\\ Push)
Outer == ENABLED (Lift /\\ ~ENABLED (left' = 7 /\\ left' = 8) /\\ left' = 5)
Old == ENABLED (left' = left + 1 /\\ right' = right + 2)
Give(a, b) == ENABLED (a' = 5 /\\ b' = 6)
Given == Give(left, right)
Mixed(b) == ENABLED (Lift /\\ b' = 6)
Halves == Mixed(right)
Named == LET r == right IN ENABLED (Lift /\\ r' = 6)
NamedSum == LET s == left + 1 IN ENABLED (Lift /\\ s' = 6)
NamedStep == LET both == Lift /\\ Push IN ENABLED both
Inside == ENABLED (LET r == right IN Lift /\\ r' = 6)
Passed == LET Goes(x) == ENABLED (x' = 5 /\\ Push) IN Goes(left)
Wants == WF_<<left, right>>(left' = left + 1 /\\ right' = right + 2)
===="""
NEST = """---- MODULE Nest ----
EXTENDS Naturals
VARIABLES here, there
Two == INSTANCE Pair WITH left <- here, right <- there
One == INSTANCE Pair WITH left <- here, right <- here
Total == INSTANCE Pair WITH left <- here + there, right <- here + there
Fixed == INSTANCE Pair WITH left <- 1, right <- 1
Down == Two!Parts /\\ One!Parts /\\ Total!Parts /\\ Fixed!Parts
Across == ENABLED (Two!Lift /\\ Two!Push)
Same == ENABLED (Two!Lift /\\ there' = 6)
Both == ENABLED (here' = 5 /\\ One!Lift)
Apart == ENABLED (here' = 1 /\\ One!Parts /\\ Total!Parts)
Clash == ENABLED (One!Lift /\\ One!Push)
Known == ENABLED (Two!Lift /\\ here' = 6)
===="""
ROOT = """---- MODULE Spec ----
EXTENDS Naturals
VARIABLES n, m
{body}
Init == n = 0 /\\ m = 0
Next == n' = 1 - n /\\ m' = m
Spec == Init /\\ [][Next]_<<n, m>> /\\ WF_<<n, m>>(Next)
Right == {formula}
===="""
PAIRS = {
    "two variables": "P == INSTANCE Pair WITH left <- n, right <- m",
    "one variable": "P == INSTANCE Pair WITH left <- n, right <- n",
    "one expression": "P == INSTANCE Pair WITH left <- n + 2, right <- n + 2",
    "one constant": "P == INSTANCE Pair WITH left <- 4, right <- 4",
    "two constants": "P == INSTANCE Pair WITH left <- 4, right <- 3",
}
AS_TLC = ["Parts", "Stay", "Sum", "Some", "Choose", "Angle", "Branch", "Within", "Outer", "Old", "Inside"]
UNFOLDED = ["Given", "Halves", "Named", "NamedSum", "NamedStep", "Passed"]
"""These are true by their definitions too, but TLC loses the variables in arguments and LET around ENABLED."""
TWO = {"two variables": "n # m", "two constants": "TRUE"}
"""For each pair: when the expressions that replace the two variables differ."""
MODULES = {"Pair": PAIR, "Nest": NEST}


def holds(folder: Path, body: str, formula: str) -> bool:
    text = ROOT.format(body=body, formula=formula)
    verdict = run(folder, text, "INIT Init NEXT Next INVARIANT Right", None, **MODULES).verdict
    assert verdict in {"ok", "invariant"}, (formula, verdict)
    return verdict == "ok"


@pytest.mark.parametrize("pair", PAIRS)
def test_an_instance_maps_its_variables_to_what_it_will(tmp_path: Path, pair: str) -> None:
    for name in AS_TLC + UNFOLDED:
        assert holds(tmp_path, PAIRS[pair], f"P!{name}"), name
        assert not holds(tmp_path, PAIRS[pair], f"~P!{name}"), name
    for name in ("Differ", "Still"):  # in the second state, n is 1 and m is 0
        assert holds(tmp_path, PAIRS[pair], f"P!{name} <=> {TWO.get(pair, 'FALSE')}"), name
    assert holds(tmp_path, PAIRS[pair], "~P!Twice")
    assert not holds(tmp_path, PAIRS[pair], "P!Twice")


ELSEWHERE = {
    "an instance with parameters": (
        "P(a, b) == INSTANCE Pair WITH left <- a, right <- b",
        "P(n, n)!Parts /\\ ~P(n, n)!Differ /\\ \\A k \\in 0..2 : P(k, k)!Parts /\\ ~P(k, k)!Differ /\\ P(k, 7)!Differ",
    ),
    "an instance without a name": ("INSTANCE Pair WITH left <- n, right <- n", "Parts /\\ ~Differ /\\ Given"),
    "an instance in LET": ("", f"LET {PAIRS['one variable']} IN P!Parts /\\ ~P!Differ"),
    "an operator of the root module as the argument": (
        PAIRS["one variable"], "P!Mixed(m) /\\ P!Give(n, m) /\\ ~P!Give(n, n)",
    ),
    "another ENABLED around it": (
        PAIRS["one variable"], "ENABLED (n' = 1 /\\ P!Parts /\\ m' = 2) /\\ ~ENABLED (n' = 1 /\\ P!Differ)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", ELSEWHERE)
def test_so_it_does_however_it_is_reached(tmp_path: Path, place: str) -> None:
    body, formula = ELSEWHERE[place]
    assert holds(tmp_path, body, formula)
    assert not holds(tmp_path, body, f"~({formula})")


@pytest.mark.parametrize("mapping", ["n, m", "n, n", "n + 1, n + 1", "4, 4"])
def test_instances_within_an_instance(tmp_path: Path, mapping: str) -> None:
    here, there = mapping.split(", ")
    body = f"N == INSTANCE Nest WITH here <- {here}, there <- {there}"
    for name in ("Down", "Across", "Same", "Both", "Apart"):
        assert holds(tmp_path, body, f"N!{name}"), name
        assert not holds(tmp_path, body, f"~N!{name}"), name
    for name in ("Clash", "Known"):
        assert not holds(tmp_path, body, f"N!{name}"), name
        assert holds(tmp_path, body, f"~N!{name}"), name


def test_an_action_of_an_instance_within_enabled_is_about_the_root_modules_variables(tmp_path: Path) -> None:
    one, two = PAIRS["one variable"], PAIRS["two variables"]
    assert holds(tmp_path, one, "ENABLED P!Lift /\\ ~ENABLED (P!Lift /\\ P!Push) /\\ ~ENABLED (P!Lift /\\ n' = 4)")
    assert holds(tmp_path, two, "ENABLED (P!Lift /\\ P!Push) /\\ ~ENABLED (P!Push /\\ m' = 4)")
    assert holds(tmp_path, PAIRS["one constant"], "~ENABLED P!Lift /\\ P!Stay")
    both = f"{one}\nQ == INSTANCE Pair WITH left <- m, right <- m"
    assert holds(tmp_path, both, "ENABLED (P!Lift /\\ Q!Push) /\\ ~ENABLED (P!Lift /\\ Q!Push /\\ m' = 5)")
    # an expression is given a value, not a variable: TLC cannot find its next value either
    text = ROOT.format(body=PAIRS["one expression"], formula="ENABLED P!Lift")
    assert run(tmp_path, text, "INIT Init NEXT Next INVARIANT Right", None, **MODULES).verdict == "error"


@pytest.mark.parametrize("pair", PAIRS)
def test_fairness_of_an_instance(tmp_path: Path, pair: str) -> None:
    """The step is always possible in the instance and never taken."""
    text = ROOT.format(body=f"{PAIRS[pair]}\nFair == P!Wants", formula="TRUE")
    assert run(tmp_path, text, "SPECIFICATION Spec PROPERTY Fair", None, **MODULES).verdict == "property"
    never = PAIR.replace("Wants == WF_<<left, right>>(", "Wants == WF_<<left, right>>(left' = 9 /\\ ")
    assert run(tmp_path, text, "SPECIFICATION Spec PROPERTY Fair", Pair=never).verdict == "ok"
