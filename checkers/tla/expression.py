"""Evaluation of single expressions, as `gantry tla eval` and the configuration need it."""

from __future__ import annotations

from collections.abc import Iterable

from checkers.tla.analysis import CONSTANT
from checkers.tla.config import Config
from checkers.tla.errors import Position, TlaError, TlaSemanticError
from checkers.tla.frames import Env
from checkers.tla.limits import allow_recursion
from checkers.tla.model import ModelBuilder
from checkers.tla.modules import Loader
from checkers.tla.sets import Filtered
from checkers.tla.symbols import Module
from checkers.tla.values import Value

STANDARD = ("Integers", "Sequences", "FiniteSets", "TLC")
"""The modules that an expression may use when no specification is given."""
_NAME = "Expression"
_INDENT = 2


def parse_expression(text: str, extends: Iterable[str], loader: Loader) -> Module:
    """A module whose last definition, `value_`, is the expression; positions are those within the text."""
    body = "\n".join(" " * _INDENT + line for line in text.split("\n"))
    header = f"---- MODULE {_NAME} ----\nEXTENDS {', '.join(extends)}\nvalue_ ==\n"
    try:
        return loader.from_text(f"{header}{body}\n====\n".encode(), _NAME)
    except TlaError as error:
        error.position = shifted(error.position)
        raise


def shifted(position: Position | None) -> Position | None:
    """A position within the expression itself."""
    if position is None or position.module != _NAME:
        return position
    name, line, column, end_line, end_column = position
    return Position(name, max(line - 3, 1), max(column - _INDENT, 1), end_line - 3, max(end_column - _INDENT, 1))


def evaluate(
    text: str, loader: Loader | None = None, extends: Iterable[str] = STANDARD, config: Config | None = None
) -> Value:
    """The value of a constant expression.

    Args:
        text: the expression.
        loader: knows the modules that the expression may extend.
        extends: the names of those modules.
        config: gives the constants of those modules their values.

    Raises:
        TlaError: when it is not TLA+, or has no value.
    """
    allow_recursion()
    loader = loader or Loader([])
    module = parse_expression(text, extends, loader)
    generator = ModelBuilder(module, loader, config or Config(), complete=False).gen
    operator = module.symbols["value_"]
    body = getattr(operator, "body", None)
    assert body is not None
    try:
        if generator.levels.level(body, Env({})) > CONSTANT:
            raise TlaSemanticError("level", "the expression is no constant: it depends on a state", body.position)
        value = generator.evaluate(body, Env({}))
        return value.normal() if isinstance(value, Filtered) else value
    except TlaError as error:
        error.position = shifted(error.position or body.position)
        raise
