"""Copies of slotted objects: the plain searches copy nodes and instances several times for each candidate."""

from collections.abc import Callable, Iterable
from typing import Any


def copier(names: Iterable[str]) -> Callable[[Any, Any], None]:
    """Return a function that copies these attributes from one object to another.

    It is compiled: a loop over the names takes three times as long.

    >>> from types import SimpleNamespace as Place
    >>> copy, other = copier(["memory", "disk"]), Place()
    >>> copy(Place(memory=1, disk=2, name="n1"), other)
    >>> other
    namespace(memory=1, disk=2)
    """
    lines = "\n".join(f"    other.{name} = one.{name}" for name in names)
    found: dict[str, Any] = {}
    exec(compile(f"def copy(one, other):\n{lines}", f"<{__name__}>", "exec"), found)  # noqa: S102 - our own names
    copy: Callable[[Any, Any], None] = found["copy"]
    return copy
