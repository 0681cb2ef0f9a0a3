"""Prints values as TLC does."""

from __future__ import annotations

from checkers.tla.values.values import Domain, LazyFunction, LazySet, Thunk, Value, ordered

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"})
_LISTED = 10_000
"""A lazy set with at most so many elements is printed as a list, a larger one by its description."""


def quote(text: str) -> str:
    """Return a string literal."""
    return f'"{text.translate(_ESCAPES)}"'


def _is_name(text: str) -> bool:
    return text.isidentifier() or (text.replace("_", "a").isalnum() and not text.isdigit())


def show(value: Value) -> str:
    """Return the text of a value: a TLA+ expression if the value can be listed."""
    kind = value.__class__
    if kind is bool:
        return "TRUE" if value else "FALSE"
    if kind is str:
        return quote(value)
    if kind is frozenset:
        return "{" + ", ".join(map(show, ordered(value))) + "}"
    if kind is tuple:
        if not value or value[0].__class__ is not Domain:
            return "<<" + ", ".join(map(show, value)) + ">>"
        over = value[0]
        pairs = zip(over.keys, value[1:], strict=True)
        if over.record and all(map(_is_name, over.keys)):
            return "[" + ", ".join(f"{key} |-> {show(item)}" for key, item in pairs) + "]"
        return "(" + " @@ ".join(f"{show(key)} :> {show(item)}" for key, item in pairs) + ")"
    if isinstance(value, LazySet):
        return _lazy_set(value)
    if kind is LazyFunction:
        source = value.source
        if source.__class__ is frozenset or source.enumerable():
            return show(value.normal())
        return f"[x \\in {show(source)} |-> ...]"
    return show(value.force()) if kind is Thunk else str(value)


def _lazy_set(value: LazySet) -> str:
    if hasattr(value, "low"):
        return value.describe() if value.count() else "{}"
    if not value.enumerable():
        return value.describe()
    return show(value.normal()) if value.count() <= _LISTED else value.describe()
