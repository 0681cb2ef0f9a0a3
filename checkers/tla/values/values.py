"""The representation of TLA+ values: Python's ints, bools, strings and frozensets, and tuples for functions.

A sequence is a plain tuple. Any other function is a tuple whose first element is its `Domain`; the values follow in
the domain's order. Domains are unique, so equal functions are equal tuples and Python compares and hashes them in C;
a function over 1..n is always held as a sequence, and the empty function as the empty tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from checkers.tla.errors import TlaEvalError
from checkers.tla.values.identity import SEEN, alike, doubtful, marks
from checkers.tla.values.order import sort_key, sorted_elements

Value: TypeAlias = Any


class ModelValue:
    """A model value: equal to itself only. A name such as `a_1` has the type `a`, and types do not mix."""

    __slots__ = ("name", "rank", "type")

    _all: dict[str, ModelValue] = {}  # noqa: RUF012 - a registry that the class owns

    def __init__(self, name: str) -> None:
        self.name = name
        self.type = name[0] if len(name) > 2 and name[1] == "_" else ""
        self.rank = len(ModelValue._all)

    @classmethod
    def named(cls, name: str) -> ModelValue:
        """Return the model value of a name."""
        if name not in cls._all:
            cls._all[name] = cls(name)
        return cls._all[name]

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return ModelValue.named, (self.name,)


class Domain:
    """The domain of a function; there is one object for each set.

    Attributes:
        keys: the elements in order.
        index: element to place in the function's tuple (0 is the domain itself).
        sequence: whether the set is 1..n, so that functions over it are plain tuples.
        record: whether all elements are strings.
        doubtful: whether another set of TLA+ may be equal to it in Python.
    """

    __slots__ = ("doubtful", "index", "keys", "members", "record", "sequence")

    def __init__(self, members: frozenset[Value]) -> None:
        self.members = members
        self.keys: tuple[Value, ...] = sorted_elements(members)
        self.index = {key: place for place, key in enumerate(self.keys, 1)}
        count = len(members)
        self.sequence = all(key.__class__ is int for key in members) and self.keys == tuple(range(1, count + 1))
        self.record = count > 0 and all(key.__class__ is str for key in members)
        self.doubtful = not self.sequence and not self.record and doubtful(members)

    def __repr__(self) -> str:
        return f"Domain{self.keys}"

    def __reduce__(self) -> tuple[Any, ...]:
        return domain, (self.members,)


_DOMAINS: dict[frozenset[Value], Domain] = {}
_BOOLEAN_DOMAINS: dict[frozenset[Value], Domain] = {}
_LOOKALIKES: dict[Value, Domain] = {}
_ORDERED: dict[frozenset[Value], tuple[frozenset[Value] | None, tuple[Value, ...]]] = {}
_MEMBERS: dict[int, tuple[frozenset[Value], dict[Value, Value]]] = {}


def domain(members: frozenset[Value]) -> Domain:
    """Return the domain object of a set."""
    known = _DOMAINS
    if len(members) < 3 and _has_booleans(members):
        known = _BOOLEAN_DOMAINS
    found = known.get(members)
    if found is None:
        found = known[members] = Domain(members)
    elif found.doubtful and not alike(found.members, members):
        key = marks(members), members
        found = _LOOKALIKES.get(key) or _LOOKALIKES.setdefault(key, Domain(members))
    return found


def _has_booleans(members: frozenset[Value]) -> bool:
    """Return whether a set contains booleans, which Python takes for the integers 0 and 1."""
    return any(item.__class__ is bool for item in members)


def reset() -> None:
    """Clear interned domains and orders, which are valid for one specification only."""
    SEEN.truths = False
    _MEMBERS.clear()
    _DOMAINS.clear()
    _BOOLEAN_DOMAINS.clear()
    _LOOKALIKES.clear()
    _ORDERED.clear()


_ZERO_AND_ONE = frozenset({0, 1})


def ordered(members: frozenset[Value]) -> tuple[Value, ...]:
    """Return the elements of a set in TLC's order."""
    found = _ORDERED.get(members)
    if found is None:
        return _put_in_order(members)
    known, listed = found
    if known is None or known is members or alike(known, members):
        return listed
    return sorted_elements(members)


def _put_in_order(members: frozenset[Value]) -> tuple[Value, ...]:
    if members <= _ZERO_AND_ONE:
        # {0} and {FALSE} are equal in Python, so an entry cached for one must not serve the other
        return sorted_elements(members)
    if len(_ORDERED) > 200_000:
        _ORDERED.clear()
    listed = sorted_elements(members)
    _ORDERED[members] = (members if listed and doubtful(listed) else None, listed)
    return listed


def same_member(members: frozenset[Value], value: Value) -> Value:
    """Return the element of a set that is equal to this value in Python; there must be one."""
    found = _MEMBERS.get(id(members))
    if found is None:
        if len(_MEMBERS) > 10_000:
            _MEMBERS.clear()
        found = _MEMBERS[id(members)] = (members, {item: item for item in members})
    return found[1][value]


def function(over: Domain, values: Iterable[Value]) -> tuple[Value, ...]:
    """Make the function with these values, in the order of the domain's keys."""
    return tuple(values) if over.sequence else (over, *values)


def function_of(pairs: dict[Value, Value]) -> tuple[Value, ...]:
    """Make the function that a dictionary describes."""
    over = domain(frozenset(pairs))
    return function(over, [pairs[key] for key in over.keys])


def record_of(**values: Value) -> tuple[Value, ...]:
    """Make a record from keyword arguments."""
    return function_of(dict(values))


def is_sequence(value: tuple[Value, ...]) -> bool:
    """Return whether a function is a sequence (the empty function is)."""
    return not value or value[0].__class__ is not Domain


def keys_of(value: tuple[Value, ...]) -> Sequence[Value]:
    """Return the domain of a function, in order."""
    return range(1, len(value) + 1) if is_sequence(value) else value[0].keys


def values_of(value: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the values of a function, in the order of its domain."""
    return value if is_sequence(value) else value[1:]


class LazyFunction:
    """A function computed argument by argument: a recursive one, or one with an infinite domain."""

    __slots__ = ("_known", "_normal", "body", "source")

    def __init__(self, source: Value, body: Callable[[Value], Value] | None = None) -> None:
        self.source = source
        self.body = body
        self._known: dict[Value, Value] = {}
        self._normal: tuple[Value, ...] | None = None

    def apply(self, argument: Value) -> Value:
        """Compute the value for an argument that is known to be in the domain."""
        try:
            return self._known[argument]
        except KeyError:
            assert self.body is not None
            value = normal(self.body(argument))
            if len(self._known) < 100_000:
                self._known[argument] = value
            return value

    def normal(self) -> tuple[Value, ...]:
        """Compute all values and return the whole function."""
        if self._normal is None:
            over = domain(normal(self.source))
            self._normal = function(over, [self.apply(key) for key in over.keys])
        return self._normal


class LazySet:
    """A set held by its description; subclasses implement membership and, most of them, a list of the elements."""

    __slots__ = ("_normal",)
    named = False
    """Whether the set is a named one of the standard modules; no two of these are equal."""

    def contains(self, value: Value) -> bool:
        """Return whether a value is an element."""
        raise NotImplementedError

    def elements(self) -> Iterator[Value]:
        """Return the elements, each once."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return the set as text, for messages."""
        raise NotImplementedError

    def enumerable(self) -> bool:
        """Return whether the elements can be listed."""
        return True

    def count(self) -> int:
        """Return how many elements there are."""
        return len(self.normal())

    def normal(self) -> frozenset[Value]:
        """Return the set with its elements listed."""
        try:
            return self._normal
        except AttributeError:
            self._normal: frozenset[Value] = frozenset(self.elements())
            return self._normal

    def infinite(self, what: str = "enumerate") -> TlaEvalError:
        """Return the error for a set whose elements cannot be listed."""
        return TlaEvalError("infinite", f"cannot {what} {self.describe()}: it is not a finite set")


class Thunk:
    """An argument or LET definition that is computed at its first use."""

    __slots__ = ("args", "code", "value")

    def __init__(self, code: Callable[..., Value], *args: Value) -> None:
        self.code: Callable[..., Value] | None = code
        self.args = args
        self.value: Value = None

    def force(self) -> Value:
        """Compute the value, or return it if it is known."""
        if self.code is not None:
            self.value = self.code(*self.args)
            self.code = None
            self.args = ()
        return self.value


_PLAIN = frozenset({int, bool, str, tuple, frozenset, ModelValue})


def normal(value: Value) -> Value:
    """Convert a value to the form used in states, sets and functions: no lazy set or function."""
    if value.__class__ in _PLAIN:
        return value
    if value.__class__ is Thunk:
        return normal(value.force())
    return value.normal()


__all__ = [
    "Domain", "LazyFunction", "LazySet", "ModelValue", "Thunk", "Value", "domain", "function", "function_of",
    "is_sequence", "keys_of", "normal", "ordered", "record_of", "reset", "sort_key", "values_of",
]  # fmt: skip
