"""Symmetry: states that differ by a permutation of model values count as one.

The key of a class of states is one of its members: the one whose values have the least hashes, variable by variable.
The hashes of a value's images under the group are computed once for each value of a variable; the images themselves
only for the parts of such values. Where hashes are equal, whole states are compared.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from checkers.tla.errors import TlaConfigError
from checkers.tla.values.identity import alike, marks
from checkers.tla.values.order import sort_key
from checkers.tla.values.values import (
    Domain,
    ModelValue,
    Value,
    domain,
    is_sequence,
    keys_of,
    normal,
    values_of,
)

Permutation = dict[Value, Value]


def group(members: Value, name: str) -> list[Permutation]:
    """Return the group that a set of permutations generates, without the identity.

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


class Orbits:
    """Gives each class of states under a group of permutations one key: a state of the class."""

    def __init__(self, permutations: list[Permutation], *, truths: bool = False) -> None:
        self._permutations: list[Permutation] = [{}, *permutations]
        self._size = len(self._permutations)
        self._truths = truths
        self._rows: dict[Value, tuple[array[int], Sequence[int] | None]] = {}
        self._parts: dict[Value, tuple[Value, Sequence[Value]]] = {}
        self._domains: dict[Domain, list[tuple[Domain, Sequence[int] | None]]] = {}
        self._shared: dict[Value, Value] = {}
        self._keys: dict[Value, Value] = {}

    def key(self, state: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the key of a state's class."""
        rows = self._rows
        places: Sequence[int] | None = None
        for value in state:
            row, least = rows.get(value) or self._row(value)
            if places is None:
                places = least
            elif least is not None and len(places) > 1:
                best = min([row[place] for place in places])
                places = [place for place in places if row[place] == best]
        found = state if places is None else self._image(state, places[0])
        if places is not None and len(places) > 1:
            images = {self._image(state, place) for place in places}
            found = min(images, key=sort_key) if len(images) > 1 else found
        if not self._truths:
            return found
        known = self._keys.setdefault(found, found)
        return found if known is found or alike(known, found) else (Orbits, marks(found), found)

    def _row(self, value: Value) -> tuple[array[int], Sequence[int] | None]:
        """Return the hashes of a value's images, and which are least; None if no permutation changes the value."""
        images = self._images(value)
        row = array("q", map(hash, images))
        best = min(row)
        still = all(image == value for image in images)
        found = self._rows[value] = row, None if still else [at for at, item in enumerate(row) if item == best]
        return found

    def _image(self, state: tuple[Any, ...], at: int) -> tuple[Any, ...]:
        """Return the image of a state under one permutation; equal values share an object."""
        if at == 0:
            return state
        image = []
        for value in state:
            moved = self._moved(value, at)
            known = self._shared.setdefault(moved, moved)
            image.append(moved if self._truths and not alike(known, moved) else known)
        return tuple(image)

    def _moved(self, value: Value, at: int) -> Value:
        """Return the image of a value under one permutation."""
        kind = value.__class__
        if kind is frozenset:
            return frozenset([self._part(item)[at] if item.__class__ in _MOVING else item for item in value])
        if kind is tuple and value:
            if value[0].__class__ is not Domain:
                return tuple([self._part(item)[at] if item.__class__ in _MOVING else item for item in value])
            over, places = self._domain(value[0])[at]
            items = [self._part(item)[at] if item.__class__ in _MOVING else item for item in value[1:]]
            return (over, *(items if places is None else [items[place] for place in places]))
        return self._permutations[at].get(value, value) if kind is ModelValue else value

    def _images(self, value: Value) -> Sequence[Value]:
        """Return the images of a value under all permutations, the value first."""
        kind = value.__class__
        if kind is ModelValue:
            return [permutation.get(value, value) for permutation in self._permutations]
        if kind is frozenset and value:
            return list(map(frozenset, zip(*map(self._column, value), strict=True)))
        if kind is tuple and value:
            if value[0].__class__ is not Domain:
                return list(zip(*map(self._column, value), strict=True))
            items = zip(*map(self._column, value[1:]), strict=True)
            return [
                (over, *row) if places is None else (over, *[row[place] for place in places])
                for (over, places), row in zip(self._domain(value[0]), items, strict=True)
            ]
        return [value] * self._size

    def _column(self, item: Value) -> Iterable[Value]:
        return self._part(item) if item.__class__ in _MOVING else itertools.repeat(item, self._size)

    def _part(self, item: Value) -> Sequence[Value]:
        """Return the images of a part of a value, from the cache if possible."""
        found = self._parts.get(item)
        if found is None:
            if len(self._parts) * self._size > _REMEMBERED:
                self._parts.clear()
            found = self._parts[item] = item, self._images(item)
        elif self._truths and not alike(found[0], item):
            return self._images(item)
        return found[1]

    def _domain(self, over: Domain) -> list[tuple[Domain, Sequence[int] | None]]:
        """Return for each permutation the domain of a function's image, and the values' old places if they change."""
        found = self._domains.get(over)
        if found is None:
            found = self._domains[over] = []
            for keys in zip(*map(self._column, over.keys), strict=True):
                image = domain(frozenset(keys))
                places = [keys.index(key) for key in image.keys]
                found.append((image, None if places == list(range(len(keys))) else places))
        return found


_MOVING = frozenset({tuple, frozenset, ModelValue})
_REMEMBERED = 2_000_000
