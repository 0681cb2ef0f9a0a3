"""Symmetry: states that permutations of model values turn into one another count as one.

Each value of a variable gets a number when it first occurs, and with it the numbers of its images under the whole
group. The class of a state is then the least tuple of numbers among the images of the state.
"""

from __future__ import annotations

import itertools
from typing import Any

from checkers.tla.alike import alike, marks
from checkers.tla.errors import TlaConfigError
from checkers.tla.values import Domain, ModelValue, Value, domain, function_of, is_sequence, keys_of, normal, values_of

Permutation = dict[Value, Value]


def group(members: Value, name: str) -> list[Permutation]:
    """The group that a set of permutations generates, without the identity.

    Raises:
        TlaConfigError: when the set is not one of permutations of model values.
    """
    generators = [_permutation(item, name) for item in normal(members)]
    moved = sorted({value for g in generators for value in g}, key=lambda value: value.rank)
    identity = tuple(moved)
    found, waiting = {identity}, [identity]
    while waiting:
        images = waiting.pop()
        for generator in generators:
            after = tuple(generator.get(value, value) for value in images)
            if after not in found:
                found.add(after)
                waiting.append(after)
    found.discard(identity)
    return [dict(zip(moved, images, strict=True)) for images in sorted(found, key=lambda t: [v.rank for v in t])]


def _permutation(value: Value, name: str) -> Permutation:
    good = value.__class__ is tuple and not is_sequence(value)
    result = dict(zip(keys_of(value), values_of(value), strict=True)) if good else {}
    if set(result) != set(result.values()) or any(item.__class__ is not ModelValue for item in result):
        if value == ():
            return {}
        raise TlaConfigError(f"the symmetry {name} must be a set of permutations of model values")
    return result


def permuted(value: Value, permutation: Permutation) -> Value:
    """The image of a value."""
    kind = value.__class__
    if kind is ModelValue:
        return permutation.get(value, value)
    if kind is frozenset:
        return frozenset(permuted(item, permutation) for item in value)
    if kind is tuple and value:
        if value[0].__class__ is not Domain:
            return tuple(permuted(item, permutation) for item in value)
        over = value[0]
        keys = [permuted(key, permutation) for key in over.keys]
        items = [permuted(item, permutation) for item in value[1:]]
        if domain(frozenset(keys)) is over and keys == list(over.keys):
            return (over, *items)
        return function_of(dict(zip(keys, items, strict=True)))
    return value


class Orbits:
    """Numbers the classes of states under a group of permutations."""

    def __init__(self, permutations: list[Permutation], *, truths: bool = False) -> None:
        self._permutations = permutations
        self._truths = truths
        self._first: dict[Value, Value] = {}
        self._numbers: dict[Value, int] = {}
        self._rows: dict[Value, tuple[int, ...]] = {}
        self._count = itertools.count()

    def _name(self, value: Value) -> Value:
        """The value, unless one that only Python takes for it came first."""
        first = self._first.setdefault(value, value)
        return value if first is value or alike(first, value) else (Orbits, marks(value), value)

    def _number(self, value: Value) -> int:
        name = self._name(value)
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = next(self._count)
        return found

    def _row(self, value: Value) -> tuple[int, ...]:
        name = self._name(value)
        row = self._rows.get(name)
        if row is None:
            images = [permuted(value, p) for p in self._permutations]
            row = self._rows[name] = (self._number(value), *map(self._number, images))
        return row

    def key(self, state: tuple[Any, ...]) -> tuple[int, ...]:
        """What all states of one class have in common."""
        if self._truths:
            return min(zip(*[self._row(value) for value in state], strict=True))
        rows = self._rows
        return min(zip(*[rows.get(value) or self._row(value) for value in state], strict=True))
