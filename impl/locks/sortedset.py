"""A persistent sorted set: a tuple of sorted chunks. Pure.

An addition or removal copies one chunk and the tuple of chunks, so that a set of 100,000 elements costs a few
microseconds a change; older versions stay valid. Elements compare with `<` and are distinct.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

_CHUNK = 256


class Comparable(Protocol):
    """What can be sorted."""

    def __lt__(self, other: Any, /) -> bool: ...


T = TypeVar("T", bound=Comparable)


class SortedSet(Generic[T]):
    """An immutable set in sorted order."""

    __slots__ = ("_chunks", "_size")

    def __init__(self, chunks: tuple[tuple[T, ...], ...] = (), size: int = 0) -> None:
        self._chunks = chunks
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[T]:
        for chunk in self._chunks:
            yield from chunk

    def __contains__(self, element: T) -> bool:
        place = self._chunk_of(element)
        if place < 0:
            return False
        chunk = self._chunks[place]
        index = bisect_left(chunk, element)
        return index < len(chunk) and chunk[index] == element

    def _chunk_of(self, element: T) -> int:
        """Find the index of the last chunk whose first element is at most `element`; -1 if all are greater."""
        low, high = 0, len(self._chunks)
        chunks = self._chunks
        while low < high:
            middle = (low + high) // 2
            if element < chunks[middle][0]:
                high = middle
            else:
                low = middle + 1
        return low - 1

    @property
    def first(self) -> T | None:
        """The smallest element."""
        return self._chunks[0][0] if self._chunks else None

    @property
    def last(self) -> T | None:
        """The greatest element."""
        return self._chunks[-1][-1] if self._chunks else None

    def after(self, element: T) -> T | None:
        """Return the smallest element greater than `element`, which need not be a member; None if there is none."""
        place = max(self._chunk_of(element), 0)
        if place >= len(self._chunks):
            return None
        chunk = self._chunks[place]
        index = bisect_right(chunk, element)
        if index < len(chunk):
            return chunk[index]
        return self._chunks[place + 1][0] if place + 1 < len(self._chunks) else None

    def add(self, element: T) -> "SortedSet[T]":
        """Return the set with `element`."""
        if not self._chunks:
            return SortedSet(((element,),), 1)
        place = max(self._chunk_of(element), 0)
        chunk = self._chunks[place]
        index = bisect_left(chunk, element)
        if index < len(chunk) and chunk[index] == element:
            return self
        grown = (*chunk[:index], element, *chunk[index:])
        pieces: tuple[tuple[T, ...], ...] = (grown,)
        if len(grown) > 2 * _CHUNK:
            pieces = (grown[:_CHUNK], grown[_CHUNK:])
        return SortedSet((*self._chunks[:place], *pieces, *self._chunks[place + 1 :]), self._size + 1)

    def discard(self, element: T) -> "SortedSet[T]":
        """Return the set without `element`."""
        place = self._chunk_of(element)
        if place < 0:
            return self
        chunk = self._chunks[place]
        index = bisect_left(chunk, element)
        if index >= len(chunk) or chunk[index] != element:
            return self
        shrunk = (*chunk[:index], *chunk[index + 1 :])
        pieces = (shrunk,) if shrunk else ()
        return SortedSet((*self._chunks[:place], *pieces, *self._chunks[place + 1 :]), self._size - 1)

    def change(self, added: Iterable[T], removed: Iterable[T]) -> "SortedSet[T]":
        """Return the set with `added` and without `removed`; many changes at once rebuild the chunks in one go."""
        more, fewer = list(added), list(removed)
        if (len(more) + len(fewer)) * 8 < self._size or len(more) + len(fewer) < 4:
            result = self
            for element in fewer:
                result = result.discard(element)
            for element in more:
                result = result.add(element)
            return result
        gone = set(fewer)
        elements = sorted({element for element in self if element not in gone} | set(more))
        chunks = tuple(tuple(elements[start : start + _CHUNK]) for start in range(0, len(elements), _CHUNK))
        return SortedSet(chunks, len(elements))
