"""Booleans differ from 0 and 1, to which they are equal in Python. The expected figures are TLC's."""

from pathlib import Path

import pytest

from checkers.tla import TlaEvalError, load
from checkers.tla.model.expression import evaluate
from checkers.tla.values.identity import alike, doubtful, marks
from tests.checkers.tla.specs import figures, run

SPEC = "SPECIFICATION Spec\n"
MODULE = """---- MODULE Spec ----
EXTENDS Naturals, FiniteSets
VARIABLES x, y
Init == {init}
Next == {next}
Spec == Init /\\ [][Next]_<<x, y>>
===="""


@pytest.mark.parametrize(
    ("init", "step", "expected"),
    [
        ("x = 1 /\\ y = 0", "x' = TRUE /\\ y' = y", ("ok", 2, 3, 2)),
        ("x = <<1, {0}>> /\\ y = 0", "x' = <<TRUE, {FALSE}>> /\\ y' = y", ("ok", 2, 3, 2)),
        ("x = 0 /\\ y = 0", "y < 3 /\\ x' = (y % 2 = 0) /\\ y' = y + 1", ("deadlock", 4, 4, 4)),
        ("x = {1} /\\ y = 0", "x' = {TRUE} /\\ y' = 1 - y", ("ok", 3, 4, 3)),
        ("x = [i \\in {<<0>>} |-> 1] /\\ y = 0", "x' = [i \\in {<<FALSE>>} |-> 1] /\\ y' = y", ("ok", 2, 3, 2)),
        ("x = [a |-> 0] /\\ y = 0", "x' \\in {[a |-> b] : b \\in BOOLEAN} /\\ y' = y", ("ok", 3, 7, 2)),
        ("x = {<<0>>, <<1>>} /\\ y = {<<FALSE>>, <<TRUE>>}",
         "x' = x /\\ y' = {<<v[1] /\\ TRUE>> : v \\in y} /\\ \\A v \\in x : v[1] < 2", ("ok", 1, 2, 1)),
    ],
)  # fmt: skip
def test_states_that_python_takes_for_one(
    tmp_path: Path, init: str, step: str, expected: tuple[str, int, int, int]
) -> None:
    assert figures(run(tmp_path, MODULE.replace("{init}", init).replace("{next}", step), SPEC)) == expected


def test_a_state_keeps_the_kind_of_its_values(tmp_path: Path) -> None:
    text = MODULE.replace("{init}", "x = 0 /\\ y = 0").replace("{next}", "y < 3 /\\ x' = (y % 2 = 1) /\\ y' = y + 1")
    (tmp_path / "Spec.tla").write_text(text)
    found = [state["x"] for state in load(tmp_path / "Spec.tla").explore(SPEC + "CHECK_DEADLOCK FALSE").states]
    assert [(type(value), value) for value in found] == [(int, 0), (bool, False), (bool, True), (bool, False)]


def test_a_view_is_compared_in_the_same_way(tmp_path: Path) -> None:
    text = MODULE.replace("{init}", "x = 0 /\\ y = 0").replace("{next}", "y < 3 /\\ x' = (y = 2) /\\ y' = y + 1")
    text = text.replace("====", "See == x\n====")
    assert figures(run(tmp_path, text, SPEC + "VIEW See\nCHECK_DEADLOCK FALSE"))[:2] == ("ok", 2)


def test_marks_distinguish_what_python_does_not() -> None:
    first, second = (1, frozenset({(0,), (2,)})), (1, frozenset({(False,), (2,)}))
    assert first == second
    assert not alike(first, second)
    assert marks(first) != marks(second)
    assert doubtful(first)
    assert not doubtful(((2, "a"), frozenset({"b"})))
    assert alike(first, (1, frozenset({(2,), (0,)})))


QUEUES = """---- MODULE Spec ----
EXTENDS Naturals, Sequences
VARIABLES q, r
Init == q = <<>> /\\ r = <<>>
Next == \\/ Len(q) < 3 /\\ \\E v \\in {<<0, "x">>, <<1, "x">>} : q' = Append(q, v) /\\ r' = r
        \\/ Len(r) < 3 /\\ \\E b \\in BOOLEAN : r' = Append(r, <<b, "x">>) /\\ q' = q
===="""


def test_pairs_of_both_kinds_in_two_variables(tmp_path: Path) -> None:
    config = "INIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE"
    assert figures(run(tmp_path, QUEUES, config)) == ("ok", 225, 421, 7)


ORBITS = """---- MODULE Spec ----
EXTENDS Naturals, TLC
CONSTANT S
VARIABLES x, y
P == Permutations(S)
Init == x = [s \\in S |-> 0] /\\ y = 0
Next == y < 2 /\\ y' = y + 1 /\\ \\E s \\in S : IF y = 0 THEN x' = [x EXCEPT ![s] = 1] ELSE x' = [t \\in S |-> t = s]
===="""


def test_symmetry_beside_both_kinds(tmp_path: Path) -> None:
    config = "CONSTANT S = {a, b} INIT Init NEXT Next SYMMETRY P CHECK_DEADLOCK FALSE"
    assert figures(run(tmp_path, ORBITS, config)) == ("ok", 3, 5, 3)
    text = ORBITS.replace("y < 2", "y < 1").replace("IF y = 0 THEN x' = [x EXCEPT ![s] = 1] ELSE", "")
    text = text.replace("y' = y + 1", "y' = y").replace("t = s", "FALSE")
    assert figures(run(tmp_path, text, config)) == ("ok", 2, 5, 2)


OPERATORS = """---- MODULE Spec ----
EXTENDS Naturals
VARIABLES x, y
RECURSIVE Even(_)
Even(n) == IF n = 0 THEN 1 = 1 ELSE IF n = 1 THEN 1 = 2 ELSE Even(n - 2)
f[n \\in Nat] == IF n = 0 THEN 0 = 0 ELSE ~ f[n - 1]
Mixed(a, b) == CASE a > 1 -> a < b [] a = 1 -> 1 [] OTHER -> 0
Pack(p, n) == IF n = 5 THEN <<n>> ELSE <<p>>
App(F(_), n) == F(n)
Init == x = 0 /\\ y = 0
Next == y < 4 /\\ y' = y + 1 /\\ \\E b \\in 0..3 : {next}
===="""


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("x' = Even(y) \\/ x' = 1", ("ok", 9, 57, 5)),
        ("x' = Mixed(y, b)", ("ok", 6, 21, 5)),
        ("x' = f[y] \\/ x' = y % 2", ("ok", 9, 57, 5)),
        ("LET p == b < y IN x' = Pack(p, b) \\/ x' = <<b % 2>>", ("ok", 16, 97, 5)),
        ("x' = App(LAMBDA n : n > 1, y) \\/ x' = App(LAMBDA n : n % 2, b)", ("ok", 13, 81, 5)),
        ("x' = {c \\in 0..1 : c = b} \\/ x' = {b < 2}", ("ok", 21, 129, 5)),
    ],
)
def test_no_word_of_the_text_says_that_a_state_holds_truths(
    tmp_path: Path, step: str, expected: tuple[str, int, int, int]
) -> None:
    text = OPERATORS.replace("{next}", step)
    assert not {"TRUE", "FALSE", "BOOLEAN"} & set(text.split())
    assert figures(run(tmp_path, text, "INIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE")) == expected


@pytest.mark.parametrize(
    "text",
    ["<<0>> = <<FALSE>>", "{1} = {TRUE}", "[a |-> 0] = [a |-> FALSE]", "0..1 = BOOLEAN", "(0 :> 1) = (TRUE :> 0)",
     "{<<0>>} = {<<FALSE>>}", "<<FALSE>> \\in {<<0>>}", "{0} \\in {{FALSE}}", "{FALSE} \\in SUBSET {0}",
     "[a |-> FALSE] \\in [a : {0}]", "{<<0>>} \\cup {<<FALSE>>}", "{{0}, {FALSE}}", "{<<0>>} \\subseteq {<<FALSE>>}",
     "<<1, 0>> = <<1, 2 < 1>>", "[i \\in {5} |-> 0] = [i \\in {5} |-> i = 4]"],
)  # fmt: skip
def test_comparing_truths_with_numbers_is_an_error_however_deep_they_lie(text: str) -> None:
    with pytest.raises(TlaEvalError):
        evaluate(text)
