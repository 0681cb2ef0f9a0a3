"""Telling truths from the numbers 0 and 1, which are equal to Python but different values of TLA+."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_COMPOUND = frozenset({tuple, frozenset})


class _Seen:
    """What the present specification holds: while it holds no truth, nothing has to be told from a truth."""

    truths = False


SEEN = _Seen()


def alike(a: Any, b: Any) -> bool:
    """Whether two values that are equal to Python are the same value of TLA+.

    Args:
        a: a value.
        b: a value with `a == b`.

    Returns:
        False if somewhere within one holds a truth where the other holds a number.
    """
    if a is b:
        return True
    kind = a.__class__
    if kind is tuple:
        # written out, for it is asked for every value that is found again
        for x, y in zip(a, b, strict=True):
            if x is not y:
                inner = x.__class__
                if inner is not y.__class__ or (inner in _COMPOUND and not alike(x, y)):
                    return False
        return True
    if kind is frozenset:
        for x, y in zip(a, b, strict=True):
            if x is not y and (x != y or not alike(x, y)):
                break
        else:
            return True
        own = {x: x for x in a}
        return all(alike(own[y], y) for y in b)
    # a big integer can be held twice; a truth cannot
    return kind is b.__class__


def marks(value: Any) -> Any:
    """What tells a value from those that Python takes it for: hashable, and equal for values that are alike."""
    kind = value.__class__
    if kind is tuple:
        return tuple([marks(item) for item in value])
    if kind is frozenset:
        return frozenset((marks(item), item) for item in value)
    return kind is bool


def doubtful(value: Any) -> bool:
    """Whether a value might be equal, to Python, to another one: it holds truths, zeros or ones."""
    kind = value.__class__
    if kind in _COMPOUND:
        return any(doubtful(item) for item in value)
    return kind is bool or (kind is int and value in (0, 1))


def holds_truths(value: Any) -> bool:
    """Whether a value holds a truth; of one that is not listed yet, its code tells when it is generated."""
    kind = value.__class__
    if kind in _COMPOUND:
        return any(holds_truths(item) for item in value)
    return kind is bool or bool(getattr(value, "members", None) and any(map(holds_truths, value.members)))


class Keys:
    """The keys of states in the table of those found, apart even where Python takes one state for another.

    A state's key is the state, unless one that is equal to Python, but not alike, has taken that key.
    """

    def __init__(self, states: list[Any], index: dict[Any, int], key: Callable[[Any], Any] | None) -> None:
        self._states = states
        self._index = index
        self._inner = key

    def key(self, state: Any) -> Any:
        """The key of a state; for a state itself, if no view or symmetry is in force, the state."""
        inner = self._inner
        found = state if inner is None else inner(state)
        place = self._index.get(found)
        if place is None:
            return found
        known = self._states[place] if inner is None else inner(self._states[place])
        if alike(known, found):
            return found
        return Keys, marks(found), found


def sharer(known: dict[Any, Any]) -> Callable[[Any, Any], Any]:
    """What `known.setdefault` is, but that a value is not given for another one that Python takes for it."""
    give = known.setdefault

    def share(value: Any, default: Any) -> Any:
        found = give(value, default)
        return found if found is value or alike(found, value) else value

    return share
