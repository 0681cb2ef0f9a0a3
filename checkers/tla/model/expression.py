"""Evaluates single expressions, for `gantry tla eval` and for configurations."""

from __future__ import annotations

from collections.abc import Iterable

from checkers.tla.codegen.frames import Env
from checkers.tla.errors import Position, TlaError, TlaSemanticError, TlaSyntaxError
from checkers.tla.limits import allow_recursion
from checkers.tla.model.config import Config
from checkers.tla.model.model import ModelBuilder
from checkers.tla.parse.analysis import CONSTANT
from checkers.tla.parse.modules import Loader
from checkers.tla.parse.source import Source, children
from checkers.tla.parse.syntax import Module
from checkers.tla.values.sets import Filtered
from checkers.tla.values.values import Value

STANDARD = ("Integers", "Sequences", "FiniteSets", "TLC")
"""The modules that an expression may use when no specification is given."""
_NAME = "Expression"
_INDENT = 2
_HEADER = 3
"""How many lines the generated module has before the expression."""


def parse_expression(text: str, extends: Iterable[str], loader: Loader) -> Module:
    """Parse an expression into a module whose last definition, `value_`, is it; positions are those within the text.

    Raises:
        TlaError: when the text is not one expression.
    """
    body = "\n".join(" " * _INDENT + line for line in text.split("\n"))
    header = f"---- MODULE {_NAME} ----\nEXTENDS {', '.join(extends)}\nvalue_ ==\n"
    whole = f"{header}{body}\n====\n".encode()
    try:
        _alone(Source(whole, _NAME), text)
        return loader.from_text(whole, _NAME)
    except TlaError as error:
        error.position = shifted(error.position)
        raise


def _alone(source: Source, text: str) -> None:
    """Refuse a text that is not one expression; the positions reported are those of the text."""
    lines = text.rstrip().split("\n")
    first, last = _HEADER, _HEADER + len(lines) - 1
    end = Position(_NAME, last + 1, len(lines[-1]) + 1 + _INDENT, last + 1, len(lines[-1]) + 1 + _INDENT)
    try:
        source.check()
    except TlaSyntaxError as error:
        where = error.position
        if where is None or where.line > last + 1 or (where.line <= first and where.end_line > last + 1):
            raise TlaSyntaxError("syntax", "syntax error: the expression ends too early", end) from error
        if where.line <= first:
            word = source.first_token(first)
            raise TlaSyntaxError("syntax", f"syntax error at '{source.words(word)}'", source.position(word)) from error
        raise
    module = next(c for c in source.root.children if c.type == "module")
    *_, definition, closing = children(module)
    begun = [c for c in children(module) if c.is_named and c.start_point[0] >= first and c is not closing]
    if begun or definition.type != "operator_definition" or closing.start_point[0] <= last:
        extra = next((c for c in begun if c.start_point[0] <= last), closing)
        shown = source.words(extra).split("\n")[0][:40]
        raise TlaSyntaxError(
            "syntax", f"syntax error at '{shown}': the expression has ended before it", source.position(extra)
        )


def shifted(position: Position | None) -> Position | None:
    """Convert a position in the generated module to one in the expression."""
    if position is None or position.module != _NAME:
        return position
    name, line, column, end_line, end_column = position
    return Position(
        name, max(line - _HEADER, 1), max(column - _INDENT, 1), end_line - _HEADER, max(end_column - _INDENT, 1)
    )


def evaluate(
    text: str, loader: Loader | None = None, extends: Iterable[str] = STANDARD, config: Config | None = None
) -> Value:
    """Compute the value of a constant expression.

    Args:
        text: the expression.
        loader: finds the modules that the expression may extend.
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
