"""Values as TLC prints them."""

from typing import Any

import pytest

from checkers.tla.values.show import quote, show
from checkers.tla.values.values import ModelValue, function_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "TRUE"),
        (False, "FALSE"),
        (-3, "-3"),
        ('a"\\\n', '"a\\"\\\\\\n"'),
        (frozenset(), "{}"),
        (frozenset({10, 2, 1}), "{1, 2, 10}"),
        ((), "<<>>"),
        ((1, "a", (True,)), '<<1, "a", <<TRUE>>>>'),
        (function_of({"a": frozenset({2})}), "[a |-> {2}]"),
        (function_of({"not a name": 1}), '("not a name" :> 1)'),
        (function_of({5: "x", 3: "y"}), '(3 :> "y" @@ 5 :> "x")'),
        (function_of({1: "x", 2: "y"}), '<<"x", "y">>'),
        (ModelValue.named("shown_value"), "shown_value"),
    ],
)
def test_each_kind_of_value(value: Any, text: str) -> None:
    assert show(value) == text


def test_a_string_in_quotes() -> None:
    assert quote("\t\r\f") == '"\\t\\r\\f"'
