"""Temporary reservations: an item that is reserved cannot be reserved again until it is dropped; DRBD minors by disk.

Only rules without the configuration are here (addresses and volumes in use there are refused as well).

Source: Ganeti 3.0.2's temporary reservations.

>>> from spec.locks.names import job
>>> state = reserve(Reserved(), "mac", "aa:00:00:00:00:01", job(1))
>>> reserve(state, "mac", "aa:00:00:00:00:01", job(2))
Traceback (most recent call last):
spec.reservations.DuplicateReservationError: Duplicate reservation for resource '"aa:00:00:00:00:01"'
>>> drop(state, job(1)).items
frozenset()
>>> _, minors = allocate_minors(Reserved(), "disk1", ("n1", "n2"), in_use=frozenset({("n1", 0)}))
>>> minors
(1, 0)
"""

from dataclasses import dataclass, replace

from spec.errors import GantryError
from spec.locks.names import Owner


class DuplicateReservationError(GantryError):
    """An `item` is reserved already; the text quotes it, unless it is a volume."""

    def __init__(self, kind: str, item: str) -> None:
        self.kind = kind
        self.item = item
        shown = item if kind == "lv" else f'"{item}"'
        super().__init__(f"Duplicate reservation for resource '{shown}'")


@dataclass(frozen=True, slots=True)
class Reserved:
    """What is reserved.

    Attributes:
        items: (kind, item, owner), such as ("mac", "aa:bb:cc:00:00:01", owner).
        minors: (node, minor, disk).
    """

    items: frozenset[tuple[str, str, Owner]] = frozenset()
    minors: frozenset[tuple[str, int, str]] = frozenset()


def reserve(state: Reserved, kind: str, item: str, owner: Owner) -> Reserved:
    """Reserve an item.

    Raises:
        DuplicateReservationError: it is reserved, even by the same owner.
    """
    if any((kind, item) == (its_kind, its_item) for its_kind, its_item, _ in state.items):
        raise DuplicateReservationError(kind, item)
    return replace(state, items=state.items | {(kind, item, owner)})


def drop(state: Reserved, owner: Owner) -> Reserved:
    """Drop everything that an owner has reserved."""
    return replace(state, items=frozenset(known for known in state.items if known[2] != owner))


def allocate_minors(
    state: Reserved, disk: str, nodes: tuple[str, ...], in_use: frozenset[tuple[str, int]] = frozenset()
) -> tuple[Reserved, tuple[int, ...]]:
    """Reserve on each of different nodes the smallest minor that is neither in use nor reserved."""
    chosen: list[int] = []
    for node in nodes:
        taken = {minor for its_node, minor in in_use if its_node == node}
        taken |= {minor for its_node, minor, _ in state.minors if its_node == node}
        minor = min(number for number in range(len(taken) + 1) if number not in taken)
        chosen.append(minor)
        state = replace(state, minors=state.minors | {(node, minor, disk)})
    return state, tuple(chosen)


def release_minors(state: Reserved, disk: str) -> Reserved:
    """Drop what is reserved for a disk."""
    return replace(state, minors=frozenset(known for known in state.minors if known[2] != disk))
