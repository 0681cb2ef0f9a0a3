"""A dict that can go back to what it was when `begin` was called last. It costs by what was changed since."""

from typing import Any, TypeVar

V = TypeVar("V")

_MISSING: Any = object()


class Recorded(dict[int, V]):
    """A dict that remembers what its changed entries were.

    Only `d[k] = v`, `del d[k]` and `pop` may change it.

    >>> jobs = Recorded({1: "one", 2: "two"})
    >>> jobs.begin()
    >>> jobs[3] = "three"
    >>> jobs.pop(1)
    'one'
    >>> jobs.undo()
    >>> sorted(jobs.items())
    [(1, 'one'), (2, 'two')]
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._before: dict[int, Any] = {}

    def begin(self) -> None:
        """Remember from here on."""
        self._before = {}

    def undo(self) -> None:
        """Be again what it was at `begin`."""
        before, self._before = self._before, {}
        for key, value in before.items():
            if value is _MISSING:
                super().pop(key, None)
            else:
                super().__setitem__(key, value)

    def copy(self) -> "Recorded[V]":
        """Return the same entries, with nothing to go back to."""
        return Recorded(self)

    def _note(self, key: int) -> None:
        if key not in self._before:
            self._before[key] = self.get(key, _MISSING)

    def __setitem__(self, key: int, value: V) -> None:
        self._note(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: int) -> None:
        self._note(key)
        super().__delitem__(key)

    def pop(self, key: int, *default: Any) -> Any:
        """Remove an entry and return it."""
        self._note(key)
        return super().pop(key, *default)
