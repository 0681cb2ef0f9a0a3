"""Error classes for TLA+ specifications; each error carries its position."""

from typing import NamedTuple

from spec.errors import GantryError


class Position(NamedTuple):
    """A range of text in a module; lines and columns count from 1 and the end is inclusive, as in TLC's messages."""

    module: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        end = f"line {self.end_line}, col {self.end_column}"
        return f"line {self.line}, col {self.column} to {end} of module {self.module}"


class TlaError(GantryError):
    """A specification, a configuration or an expression that cannot be used.

    Attributes:
        kind: the class of the error in a word, such as `comparison` or `undefined`.
        detail: what is wrong, without the position.
        position: the offending text, if known.
    """

    def __init__(self, kind: str, detail: str, position: Position | None = None) -> None:
        self.kind = kind
        self.detail = detail
        self.position = position
        super().__init__(detail)

    def __str__(self) -> str:
        return f"{self.detail} ({self.position})" if self.position else self.detail


class TlaSyntaxError(TlaError):
    """Text that is not TLA+."""


class TlaSemanticError(TlaError):
    """TLA+ whose names, arities or levels do not fit together."""


class TlaUnsupportedError(TlaSemanticError):
    """TLA+ that this checker refuses."""

    def __init__(self, detail: str, position: Position | None = None) -> None:
        super().__init__("unsupported", detail, position)


class TlaConfigError(TlaError):
    """A configuration file that is malformed or does not fit its module."""

    def __init__(self, detail: str, position: Position | None = None) -> None:
        super().__init__("config", detail, position)


class TlaEvalError(TlaError):
    """An expression that has no value.

    Attributes:
        stack: positions of the enclosing expressions, innermost first.
        action: the name of the action that was being evaluated, if any.
    """

    def __init__(self, kind: str, detail: str, position: Position | None = None) -> None:
        self.stack: list[Position] = []
        self.action: str | None = None
        super().__init__(kind, detail, position)


class TlaLimitError(TlaError):
    """A run that reached a bound set by the user."""

    def __init__(self, detail: str) -> None:
        super().__init__("limit", detail)


class TlaWorkerError(TlaError):
    """A worker process that ended too early."""

    def __init__(self, detail: str) -> None:
        super().__init__("worker", detail)
