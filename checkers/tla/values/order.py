"""The order in which TLC lists the elements of a set; CHOOSE takes the first, so results depend on it.

Integers ascend, FALSE precedes TRUE, strings and model values come in the order of their first appearance in the
specification, sets and functions by size and then element by element.

Source: the compareTo methods of TLC's value classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_RANKS: dict[str, int] = {}
_KEYS: dict[Any, tuple[Any, ...]] = {}
_MANY = 200_000


def set_words(words: Iterable[str]) -> None:
    """Reset the order of strings to the words of a specification, in text order."""
    _RANKS.clear()
    _KEYS.clear()
    for word in words:
        _RANKS.setdefault(word, len(_RANKS))


def rank(word: str) -> int:
    """Return the rank of a string; a new one comes last."""
    return _RANKS.setdefault(word, len(_RANKS))


def count() -> int:
    """Return how many strings have a rank."""
    return len(_RANKS)


def sort_key(value: Any) -> tuple[Any, ...]:
    """Return a key that sorts values of one kind as TLC does, and model values before anything else."""
    kind = value.__class__
    if kind is int or kind is bool:
        return (1, value)
    if kind is str:
        return (1, rank(value))
    if kind is frozenset or kind is tuple:
        key = _KEYS.get(value)
        if key is None:
            if len(_KEYS) > _MANY:
                _KEYS.clear()
            key = _KEYS[value] = _compound(value)
        return key
    return (0, rank(value.name))


def _compound(value: Any) -> tuple[Any, ...]:
    if value.__class__ is frozenset:
        return (1, len(value), tuple(sorted(map(sort_key, value))))
    if value and hasattr(value[0], "keys"):
        over = value[0].keys
        return (1, len(over), tuple(map(sort_key, over)), tuple(map(sort_key, value[1:])))
    count = len(value)
    return (1, count, tuple((1, i) for i in range(1, count + 1)), tuple(map(sort_key, value)))


def sorted_elements(members: Iterable[Any]) -> tuple[Any, ...]:
    """Return the elements of a set in order."""
    items = tuple(members)
    if len(items) < 2:
        return items
    try:
        return tuple(sorted(items, key=sort_key))
    except TypeError:
        return items
