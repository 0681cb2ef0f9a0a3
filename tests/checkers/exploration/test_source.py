"""Values as source: what is printed makes the same value again."""

from typing import Any

import pytest

from checkers.exploration.source import NoSourceError, imports, source
from spec.locks.model import Wait
from spec.locks.names import CONFIG_LOCK, Level, Mode, Request, job


@pytest.mark.parametrize(
    "value",
    [
        Wait(job(1), 2, (Request(CONFIG_LOCK, Mode.SHARED),)),
        {"a": [1, (2,), b"x"], "b": {frozenset({3}), frozenset()}},
        (Level.NODE, None, 1.5, set(), ()),
    ],
)
def test_the_source_makes_the_value_again(value: Any) -> None:
    names: dict[str, set[str]] = {}
    text = source(value, names)
    scope: dict[str, Any] = {}
    exec(imports(names), scope)  # noqa: S102 - this is how a printed program runs
    assert eval(text, scope) == value  # noqa: S307


def test_a_value_without_source_is_refused() -> None:
    with pytest.raises(NoSourceError, match="a value of object cannot be written as source"):
        source([object()], {})
