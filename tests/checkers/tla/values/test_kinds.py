"""Kinds of values: their names, and which may be compared."""

from typing import Any

import pytest

from checkers.tla.values.kinds import a_kind, is_model, is_typed, mismatch
from checkers.tla.values.values import ModelValue, function_of

PLAIN, TYPED, SAME, OTHER = (ModelValue.named(name) for name in ("plainvalue", "a_1", "a_2", "b_1"))
RECORD, FUNCTION = function_of({"a": 1}), function_of({5: 1})


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "an integer"), (True, "a boolean"), ("x", "a string"), (frozenset(), "a set"), ((), "a tuple"),
        ((1, 2), "a tuple"), (PLAIN, "a model value"), (RECORD, "a record"), (FUNCTION, "a function"),
        (None, "a value"),
    ],
)  # fmt: skip
def test_names_of_kinds(value: Any, name: str) -> None:
    assert a_kind(value) == name


def test_a_model_value_has_a_type_by_its_name() -> None:
    assert [is_model(value) for value in (PLAIN, TYPED, 1)] == [True, False, False]
    assert [is_typed(value) for value in (PLAIN, TYPED, 1)] == [False, True, False]


@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [
        (1, 2, False), (1, True, True), (1, "1", True), ("a", frozenset(), True), ((1,), frozenset(), True),
        (PLAIN, 1, False), ("x", PLAIN, False), (PLAIN, TYPED, False), (TYPED, SAME, False), (TYPED, OTHER, True),
        (TYPED, 1, True), (1, TYPED, True),
    ],
)  # fmt: skip
def test_what_may_be_compared(first: Any, second: Any, wrong: bool) -> None:
    assert mismatch(first, second) == mismatch(second, first) == wrong
