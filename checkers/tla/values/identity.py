"""Distinguishes TRUE and FALSE from 1 and 0, which are equal in Python but different values in TLA+."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_COMPOUND = frozenset({tuple, frozenset})


class _Seen:
    """Whether the present specification has boolean values; if not, the checks of this module are skipped."""

    truths = False


SEEN = _Seen()


def alike(a: Any, b: Any) -> bool:
    """Return whether two values that are equal in Python are the same value of TLA+.

    Args:
        a: a value.
        b: a value with `a == b`.

    Returns:
        False if, at some place inside, one has a boolean and the other a number.
    """
    if a is b:
        return True
    kind = a.__class__
    if kind is tuple:
        # unrolled for speed: called for every value that is found again
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
    # a big integer can be two objects; a boolean cannot
    return kind is b.__class__


def marks(value: Any) -> Any:
    """Return a hashable mark that differs for values equal in Python but not in TLA+, and is equal for alike ones."""
    kind = value.__class__
    if kind is tuple:
        return tuple([marks(item) for item in value])
    if kind is frozenset:
        return frozenset((marks(item), item) for item in value)
    return kind is bool


def doubtful(value: Any) -> bool:
    """Return whether Python may take another value for this one: it contains booleans, zeros or ones."""
    kind = value.__class__
    if kind in _COMPOUND:
        return any(doubtful(item) for item in value)
    return kind is bool or (kind is int and value in (0, 1))


def holds_truths(value: Any) -> bool:
    """Return whether a value contains a boolean; for a set not listed yet, code generation has noted it."""
    kind = value.__class__
    if kind in _COMPOUND:
        return any(holds_truths(item) for item in value)
    return kind is bool or bool(getattr(value, "members", None) and any(map(holds_truths, value.members)))


class Keys:
    """Keys for the table of found states; different states have different keys, even if equal in Python.

    A state's key is the state itself, unless another state that is equal in Python already has this key.
    """

    def __init__(self, states: list[Any], index: dict[Any, int], key: Callable[[Any], Any] | None) -> None:
        self._states = states
        self._index = index
        self._inner = key

    def key(self, state: Any) -> Any:
        """Return the key of a state, or of its view or class under symmetry."""
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
    """Return a function like `known.setdefault` that never gives a value equal in Python but different in TLA+."""
    give = known.setdefault

    def share(value: Any, default: Any) -> Any:
        found = give(value, default)
        return found if found is value or alike(found, value) else value

    return share
