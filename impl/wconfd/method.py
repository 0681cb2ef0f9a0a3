"""The form of a method of wconfd: readers of its arguments, and the function that performs it. Pure."""

from collections.abc import Callable
from typing import Any, NamedTuple

from impl.config.errors import RefusedError
from impl.wire.wconfd import InputError, array, lock, name
from spec.locks.names import Lock

UNIT: list[Any] = []
"""What a method without a result answers."""

Reader = Callable[[Any], Any]


class Method(NamedTuple):
    """One method: how its arguments are read, and what it does with them."""

    readers: tuple[Reader, ...]
    run: Callable[..., Any]


class UnknownMethodError(RefusedError):
    """There is no method of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"No such method: {name}")


def optional(reader: Reader) -> Reader:
    """Return a reader that takes null too."""
    return lambda value: None if value is None else reader(value)


def names(value: Any) -> list[str]:
    """Read a list of names."""
    return [name(entry) for entry in array(value)]


def locks(value: Any) -> frozenset[Lock]:
    """Read a list of lock names."""
    return frozenset(lock(entry) for entry in array(value))


def read_arguments(name: str, readers: tuple[Reader, ...], arguments: tuple[Any, ...]) -> list[Any]:
    """Read a method's arguments.

    Raises:
        InputError: their number or one of them is wrong.
    """
    if len(arguments) != len(readers):
        if not readers:
            raise InputError("Unable to read ()")
        if len(readers) == 2:
            raise InputError("Unable to read Pair")
        if len(readers) == 1:
            raise InputError("Unable to read 1 tuple")
        raise InputError(f"Unable to read {len(readers)} arguments: {name} was given {len(arguments)}")
    return [reader(argument) for reader, argument in zip(readers, arguments, strict=True)]


def seconds(value: Any) -> float:
    """Read a number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise InputError("Unable to read seconds: expected a number, 0 or more")
    return float(value)
