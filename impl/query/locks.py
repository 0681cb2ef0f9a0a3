"""Fields of locks. Source: Ganeti 3.0.2's lock query and its observed answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from impl.query.model import Field, Kind, field_map, normal
from impl.query.source import LockStatus


@dataclass(frozen=True, slots=True)
class LockRow:
    """One lock: who owns it how, and who waits for it how."""

    name: str
    owners: tuple[tuple[str, str], ...]
    pending: tuple[tuple[str, str], ...]


def _owner_name(client: Sequence[Any]) -> str:
    return str(client[0])


def lock_rows(status: LockStatus) -> list[LockRow]:
    """Return every lock that is owned or waited for, in the order of names."""
    owned, waiting = status
    owners: dict[str, list[tuple[str, str]]] = {}
    pending: dict[str, list[tuple[str, str]]] = {}
    for lock, holders in owned:
        owners[lock] = [(_owner_name(client), mode) for client, mode in holders]
    for _, client, requests in waiting:
        for lock, mode in requests:
            owners.setdefault(lock, [])
            if mode != "release":
                pending.setdefault(lock, []).append((mode, _owner_name(client)))
    return [LockRow(lock, tuple(owners[lock]), tuple(pending.get(lock, ()))) for lock in sorted(owners)]


def _mode(row: LockRow) -> str | None:
    modes = {mode for _, mode in row.owners}
    return "exclusive" if "exclusive" in modes else "shared" if modes else None


FIELDS = field_map(
    Field("name", "Name", Kind.OTHER, "Lock name", lambda _, row: normal(row.name)),
    Field(
        "mode", "Mode", Kind.OTHER, "How the lock is held now (exclusive or shared)", lambda _, row: normal(_mode(row))
    ),
    Field("owner", "Owner", Kind.OTHER, "Who holds the lock", lambda _, row: normal([name for name, _ in row.owners])),
    Field(
        "pending",
        "Pending",
        Kind.OTHER,
        "Who waits for the lock",
        lambda _, row: normal([[mode, [name]] for mode, name in row.pending]),
    ),
)
"""Every field of locks."""
