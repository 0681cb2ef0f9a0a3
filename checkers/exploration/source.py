"""Values as Python source, so that a counter-example can be printed as a program that shows it."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from spec.errors import GantryError


class NoSourceError(GantryError):
    """A value has no source text; `value` is it."""

    def __init__(self, value: object) -> None:
        self.value = value
        super().__init__(f"a value of {type(value).__name__} cannot be written as source: {value!r}")


def source(value: Any, names: dict[str, set[str]]) -> str:
    """Write an expression that makes `value`; add what it needs to import to `names` (module to names).

    Raises:
        NoSourceError: there is no such expression.
    """
    kind = type(value)
    if value is None or kind in {bool, int, float, str, bytes}:
        return repr(value)
    if isinstance(value, Enum):
        names.setdefault(kind.__module__, set()).add(kind.__qualname__)
        return f"{kind.__qualname__}.{value.name}"
    if is_dataclass(value) and not isinstance(value, type):
        names.setdefault(kind.__module__, set()).add(kind.__qualname__)
        parts = [f"{field.name}={source(getattr(value, field.name), names)}" for field in fields(value) if field.init]
        return f"{kind.__qualname__}({', '.join(parts)})"
    if isinstance(value, tuple):
        if hasattr(kind, "_fields"):
            names.setdefault(kind.__module__, set()).add(kind.__qualname__)
            return f"{kind.__qualname__}({', '.join(source(part, names) for part in value)})"
        return "(" + "".join(source(part, names) + ", " for part in value).rstrip() + ")"
    if isinstance(value, list):
        return "[" + ", ".join(source(part, names) for part in value) + "]"
    if isinstance(value, set | frozenset):
        inside = ", ".join(sorted(source(part, names) for part in value))
        opening, closing = ("frozenset({", "})") if isinstance(value, frozenset) else ("{", "}")
        return opening + inside + closing if value else f"{kind.__name__}()"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{source(key, names)}: {source(part, names)}" for key, part in value.items())
        return "{" + inside + "}"
    raise NoSourceError(value)


def imports(names: Mapping[str, set[str]]) -> str:
    """Write the import statements for what `source` collected."""
    return "\n".join(f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items()))
