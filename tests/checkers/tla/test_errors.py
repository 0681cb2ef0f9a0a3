"""Errors of TLA+ with their positions, as TLC writes them."""

import pytest

from checkers.tla.errors import (
    Position,
    TlaConfigError,
    TlaError,
    TlaEvalError,
    TlaLimitError,
    TlaSemanticError,
    TlaUnsupportedError,
    TlaWorkerError,
)

WHERE = Position("M", 1, 2, 3, 4)


def test_a_position_as_tlc_writes_it() -> None:
    assert str(WHERE) == "line 1, col 2 to line 3, col 4 of module M"


def test_the_text_has_the_position_if_there_is_one() -> None:
    assert str(TlaError("kind", "detail", WHERE)) == f"detail ({WHERE})"
    assert str(TlaError("kind", "detail")) == "detail"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TlaUnsupportedError("x", WHERE), "unsupported"),
        (TlaConfigError("x", WHERE), "config"),
        (TlaLimitError("x"), "limit"),
        (TlaWorkerError("x"), "worker"),
        (TlaEvalError("comparison", "x", WHERE), "comparison"),
    ],
)
def test_each_class_has_its_kind(error: TlaError, kind: str) -> None:
    assert (error.kind, error.detail) == (kind, "x")
    assert isinstance(error, TlaError)


def test_what_is_unsupported_is_a_matter_of_meaning() -> None:
    assert issubclass(TlaUnsupportedError, TlaSemanticError)


def test_an_evaluation_begins_without_a_stack_of_its_own() -> None:
    one, other = TlaEvalError("type", "x"), TlaEvalError("type", "x")
    one.stack.append(WHERE)
    assert (other.stack, other.action) == ([], None)
