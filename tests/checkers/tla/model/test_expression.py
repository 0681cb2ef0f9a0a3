"""The language, feature by feature: expressions and their values."""

import pytest

from checkers.tla import TlaError, TlaSemanticError, TlaSyntaxError, TlaUnsupportedError
from checkers.tla.model.expression import STANDARD, evaluate
from checkers.tla.values.show import show
from checkers.tla.values.values import Value

VALUES = {
    "logic": [("TRUE => FALSE \\/ TRUE", "TRUE"), ("~TRUE \\equiv FALSE", "TRUE"), ("FALSE /\\ 1", "FALSE")],
    "numbers": [("2 + 3 * 4", "14"), ("(-9) \\div 4", "-3"), ("(-9) % 4", "3"), ("\\b101 + \\hfF + \\o17", "275")],
    "junctions": [
        ("/\\ TRUE\n/\\ \\/ FALSE\n   \\/ 2 > 1", "TRUE"),
        ("\\/ FALSE\n\\/ /\\ TRUE\n   /\\ FALSE", "FALSE"),
    ],
    "sets": [
        ("{3, 1, 2} \\cup {2, 9}", "{1, 2, 3, 9}"),
        ("SUBSET {4, 5} \\ {{}}", "{{4}, {5}, {4, 5}}"),
        ("UNION {1..2, {7}}", "{1, 2, 7}"),
        ("{x \\in -2..2 : x * x = 4}", "{-2, 2}"),
        ("{a + b : a \\in {1, 2}, b \\in {10, 20}}", "{11, 12, 21, 22}"),
        ("{p[1] : p \\in {<<4, 5>>, <<6, 7>>}}", "{4, 6}"),
        ("<<0, 5>> \\in Nat \\X (Nat \\ {0})", "TRUE"),
        ("3 \\in {n \\in Nat : n % 2 = 1}", "TRUE"),
        ("-1 \\in UNION {Nat, {-1}}", "TRUE"),
        ("<<<<>>, <<2>>>> \\in Seq(Seq(Nat))", "TRUE"),
        ("Cardinality(SUBSET (1..12)) + Cardinality([1..3 -> 1..2])", "4104"),
        ("BOOLEAN = {x \\in {TRUE, FALSE} : TRUE}", "TRUE"),
        ("<<{x \\in {0, 1} : TRUE}, {x \\in BOOLEAN : TRUE}>>", "<<{0, 1}, {FALSE, TRUE}>>"),
    ],
    "quantifiers": [
        ("\\A x, y \\in 1..3, z \\in {0} : x + y > z", "TRUE"),
        ("\\E <<a, b>> \\in {1, 2} \\X {3, 4} : a + b = 6", "TRUE"),
        ("\\A x, y \\in {2, 1} : IF x > y THEN FALSE ELSE x < y => <<x, y>>", "FALSE"),  # (2, 1) comes before (1, 2)
        ("\\E x \\in {2, 1}, y \\in {3, 4} : IF <<x, y>> = <<2, 3>> THEN TRUE ELSE x = 1 /\\ y = 4 /\\ x", "TRUE"),
        ("CHOOSE x \\in {5, 3, 8} : x > 4", "5"),
        ("CHOOSE <<a, b>> \\in (1..2) \\X (1..2) : a > b", "<<2, 1>>"),
    ],
    "functions": [
        ("[x \\in {2, 4} |-> x * x]", "(2 :> 4 @@ 4 :> 16)"),
        ("[x, y \\in 1..2 |-> x - y][2, 1]", "1"),
        ("[<<a, b>> \\in {<<1, 2>>} |-> a + b]", "(<<1, 2>> :> 3)"),
        ("[[i \\in 1..2 |-> [n |-> i]] EXCEPT ![2].n = @ * 10]", "<<[n |-> 1], [n |-> 20]>>"),
        ("[<<1, 2, 3>> EXCEPT ![2] = 9, ![7] = 0]", "<<1, 9, 3>>"),
        ("[a |-> 1, b |-> TRUE].b", "TRUE"),
        ("DOMAIN [k |-> 0, l |-> 1]", '{"k", "l"}'),
        ("[a : {1}, b : {2, 3}]", "{[a |-> 1, b |-> 2], [a |-> 1, b |-> 3]}"),
        ("(1 :> 2 @@ 2 :> 4) = <<2, 4>>", "TRUE"),
        ("LET f[n \\in Nat] == IF n = 0 THEN 1 ELSE n * f[n - 1] IN f[20]", "2432902008176640000"),
        ("LET f[a, b \\in Nat] == IF a = 0 THEN b ELSE f[a - 1, b + 1] IN f[4, 3]", "7"),
        ("LET t[n \\in Nat] == [x \\in {1, 2} |-> IF n = 0 THEN x ELSE t[n - 1][x] + n] IN t[3]", "<<7, 8>>"),
        ("[i \\in 0..1 |-> i] # [b \\in {0, 1, 2} |-> b]", "TRUE"),
    ],
    "operators": [
        ("LET Twice(F(_), x) == F(F(x)) IN Twice(LAMBDA n : n + 3, 1)", "7"),
        ("LET Apply(Op(_, _), a, b) == Op(a, b) IN <<Apply(+, 1, 2), Apply(\\cup, {1}, {2})>>", "<<3, {1, 2}>>"),
        ("LET a (+) b == a * 10 + b IN 1 (+) 2", "12"),
        ("LET RECURSIVE F(_) F(n) == IF n < 2 THEN n ELSE F(n - 1) + F(n - 2) IN F(15)", "610"),
        ("LET x == 1 \\div 0 IN IF FALSE THEN x ELSE 5", "5"),
        ("LET Op(a, b) == IF b THEN a ELSE 0 IN Op(Head(<<>>), FALSE)", "0"),
        (
            (
                "LET RECURSIVE Sum(_)\n    Sum(S) == IF S = {} THEN 0 ELSE LET e == CHOOSE e \\in S : TRUE\n"
                "                                          IN e + Sum(S \\ {e})\nIN Sum(1..10)"
            ),
            "55",
        ),
    ],
    "sequences": [
        ("Tail(<<1, 2>>) \\o Append(<<>>, Head(<<4>>))", "<<2, 4>>"),
        ("SelectSeq(<<3, 1, 4, 1, 5>>, LAMBDA e : e > 2)", "<<3, 4, 5>>"),
        ("SubSeq(<<1, 2, 3, 4>>, 2, 3)", "<<2, 3>>"),
        ("SortSeq(<<3, 1, 2>>, <)", "<<1, 2, 3>>"),
        ('Len("four") + Len(<<1>>)', "5"),
    ],
    "TLC and Bags": [
        ("Cardinality(Permutations({1, 2, 3}))", "6"),
        ("ToString(<<1, {2}>>)", '"<<1, {2}>>"'),
        ("SetToBag({1}) (+) SetToBag({1, 2})", "<<2, 1>>"),
        ("BagCardinality(SetToBag({4, 5}))", "2"),
        ("BagToSet((7 :> 2) (-) (7 :> 2))", "{}"),
    ],
    "choices": [
        ("CASE 1 > 2 -> 1 [] 2 > 1 -> 2", "2"),
        ("CASE FALSE -> 1 [] OTHER -> 9", "9"),
        ("IF 1 = 1 THEN <<>> ELSE 3", "<<>>"),
    ],
    "strings": [('"a\\"b\\\\c\\td"', '"a\\"b\\\\c\\td"')],
}
ERRORS = {
    "comparison": ['1 = "a"', "{1, TRUE}", '"a" \\in {1}', "<<1>> = <<{}>>", "0 \\in BOOLEAN", '{1} = {"a"}'],
    "type": ["1 + {}", "IF 1 THEN 2 ELSE 3", "~5", "TRUE /\\ {}", "Append(3, 4)", "5[1]", "UNION {1}", "SUBSET 3"],
    "domain": ["Head(<<>>)", "Tail(<<>>)", "<<1>>[2]", "[x \\in {5} |-> x][6]", "SubSeq(<<1>>, 0, 1)"],
    "field": ["[a |-> 1].b", '[a |-> 1]["c"]', "<<1>>.a"],
    "choose": ["CHOOSE x \\in {} : TRUE"],
    "case": ["CASE FALSE -> 1"],
    "infinite": ["Cardinality(Nat)", "{x \\in Int : x > 2}", "\\A x \\in Seq({1}) : TRUE", "Nat = {1}"],
    "arithmetic": ["1 \\div 0", "1 % 0", "2 ^ (-1)"],
    "assert": ['Assert(FALSE, "no")'],
    "arity": ["[a, b \\in {1} |-> a][1]", "LET F(a) == a IN F(1, 2)", "Len(1, 2)", "LET F(G(_)) == G(1) IN F(3)"],
    "undefined": ["foo", "1 + bar(2)", "@ + 1"],
    "unbounded": ["\\E x : x = 1", "\\A x : TRUE", "CHOOSE x : x = 1"],
    "redefined": ["LET x == 1 IN \\A x \\in {} : TRUE", "[a |-> 1, a |-> 2]"],
    "precedence": [
        "1 + 2 % 3",
        "4 * -5",
        "6 \\div 2 * 3",
        "TRUE /\\ FALSE \\/ TRUE",
        "1 < 2 < 3",
        "TRUE => TRUE => TRUE",
    ],
    "syntax": ["1 +", "{1, 2", "IF TRUE THEN 1", "[x \\in S |->"],
    "unsupported": ["1.5"],
    "stack": ["LET RECURSIVE F(_) F(n) == 1 + F(n + 1) IN F(0)"],
}


def value_of(text: str) -> Value:
    return evaluate(text, extends=("Bags", *STANDARD) if "Bag" in text or "(-)" in text else STANDARD)


@pytest.mark.parametrize("feature", VALUES)
def test_values(feature: str) -> None:
    found = [(text, show(value_of(text))) for text, _ in VALUES[feature]]
    assert found == VALUES[feature]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_class_of_error(kind: str) -> None:
    for text in ERRORS[kind]:
        with pytest.raises(TlaError) as caught:
            evaluate(text)
        assert caught.value.kind == kind, text
        assert caught.value.position is not None, text


def test_errors_name_the_place() -> None:
    with pytest.raises(TlaError) as caught:
        evaluate("LET a == 1\nIN  a + Head(<<>>)")
    where = caught.value.position
    assert where is not None
    assert (where.line, where.column, where.end_column) == (2, 9, 18)


def test_the_phases_of_errors_have_classes_of_their_own() -> None:
    for text, kind in (("1 +", TlaSyntaxError), ("nothing", TlaSemanticError), ("2.5", TlaUnsupportedError)):
        with pytest.raises(kind):
            evaluate(text)


def test_values_read_back_as_themselves() -> None:
    for items in VALUES.values():
        for text, value in items:
            assert show(evaluate(value)) == show(value_of(text))
