"""Wconfd's values on the wire and in its files: owners, locks, requests, reservations. Pure.

Source: Ganeti 3.0.2's wire (shapes and error texts), locks.data and tempres.data.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from impl.bounds import check_value
from impl.config.errors import RefusedError
from impl.config.reservations import IPS, KINDS, MINORS, ReservationChange, Reservations
from impl.limits import MAX_JOB_ID, MAX_NAME_LENGTH, MAX_PATH_BYTES, MAX_PORT, MAX_PROCESS_ID, LimitError
from impl.locks import view
from impl.locks.state import LockState
from spec.locks.model import Pending
from spec.locks.names import (
    MODE_NAMES,
    Level,
    Lock,
    LockError,
    Mode,
    Owner,
    Request,
    lock_name,
    parse_level,
    parse_lock,
    parse_mode,
)


class InputError(RefusedError):
    """Arguments of a call that cannot be read."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"RPC input: {reason}")


def text(value: Any) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise InputError("Unable to read String")
    return value


def name(value: Any) -> str:
    """Read a name or a UUID.

    Raises:
        InputError: it is no text, or too long for a name.
    """
    if len(text(value)) > MAX_NAME_LENGTH:
        raise InputError(f"a name has at most {MAX_NAME_LENGTH} characters")
    return str(value)


def boolean(value: Any) -> bool:
    """Read a boolean."""
    if not isinstance(value, bool):
        raise InputError("Unable to read Bool")
    return value


def integer(value: Any) -> int:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -(1 << 62) < value < 1 << 62 or value % 1:
        raise InputError("Unable to read Integer")
    return int(value)


def port(value: Any) -> int:
    """Read the number of a TCP port."""
    number = integer(value)
    if not 0 < number <= MAX_PORT:
        raise InputError(f"a port is 1 to {MAX_PORT}")
    return number


def array(value: Any) -> list[Any]:
    """Read a list."""
    if not isinstance(value, list):
        raise InputError("Unable to read list")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """Read an object."""
    if not isinstance(value, dict):
        raise InputError("Unable to read object")
    return value


def bounded_mapping(value: Any) -> dict[str, Any]:
    """Read an object that is kept as one value."""
    try:
        check_value(mapping(value))
    except LimitError as error:
        raise InputError(str(error)) from None
    return mapping(value)


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise InputError("Unable to read Pair")
    return value[0], value[1]


@lru_cache(maxsize=1 << 14)
def _owner(is_job: int, ident: str | int, livelock: str, pid: int) -> Owner:
    if "\0" in livelock or len(livelock.encode()) > MAX_PATH_BYTES:
        raise InputError(f"the live-lock of a client id is no path: {livelock!r:.200}")
    if isinstance(ident, str) and len(ident) > MAX_NAME_LENGTH:
        raise InputError(f"a client's name has at most {MAX_NAME_LENGTH} characters")
    if isinstance(ident, int) and ident > MAX_JOB_ID:
        raise InputError(f"Invalid value for job ID ' {ident}'")
    if not 0 <= pid <= MAX_PROCESS_ID:
        raise InputError(f"a process id is 0 to {MAX_PROCESS_ID}, not {pid}")
    return Owner(is_job, ident, livelock, pid)


def owner(value: Any) -> Owner:
    """Read a client id, `[job number or text, live-lock path, process id]`."""
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[1], str):
        raise InputError(f"malformed client id: {value!r:.200}: expected [job id or name, live-lock path, process id]")
    ident, livelock, pid = value
    if type(ident) is int and type(pid) is int and ident >= 0:  # a job, as most are
        return _owner(1, ident, livelock, pid)
    if isinstance(pid, bool) or not isinstance(pid, int):
        raise InputError("Unable to read Integer")
    if isinstance(ident, str):
        return _owner(0, ident, livelock, pid)
    if isinstance(ident, bool) or not isinstance(ident, int):
        raise InputError(f"Wrong type/value for job id: {ident!r:.200}")
    if ident < 0:
        raise InputError(f"Invalid value for job ID ' {ident}'")
    return _owner(1, ident, livelock, pid)


def owner_json(value: Owner) -> list[Any]:
    """Encode a client id for the wire."""
    return [value.ident, value.livelock, value.pid]


def lock(value: Any) -> Lock:
    """Read a lock's name."""
    if not isinstance(value, str):
        raise InputError("Wrong JSON type")
    try:
        return parse_lock(name(value))
    except LockError as error:
        raise InputError(str(error)) from None


def level(value: Any) -> Level:
    """Read a level's name."""
    try:
        return parse_level(text(value))
    except LockError as error:
        raise InputError(str(error)) from None


@lru_cache(maxsize=1 << 16)
def _known_request(known: str, mode: str) -> Request:
    if len(known) > MAX_NAME_LENGTH:
        raise LockError(f"a name has at most {MAX_NAME_LENGTH} characters")
    return Request(parse_lock(known), parse_mode(mode))


def requests(value: Any) -> tuple[Request, ...]:
    """Read a lock request, `[[lock, "shared" | "exclusive" | "release"]…]`."""
    try:
        return tuple([_known_request(known, mode) for known, mode in value])
    except (LockError, TypeError, ValueError, AttributeError):
        # once more and slowly, for the error's sake
        return tuple(_request(entry) for entry in array(value))


def _request(entry: Any) -> Request:
    known, mode = _pair(entry)
    wanted = lock(known)
    if not isinstance(mode, str):
        raise InputError("Update requests need to be strings")
    try:
        return Request(wanted, parse_mode(mode))
    except LockError as error:
        raise InputError(str(error)) from None


def acquisitions(value: Any) -> tuple[Request, ...]:
    """Read what an opportunistic union asks for: as a lock request, but nothing is released."""
    found: list[Request] = []
    for entry in array(value):
        known, mode = _pair(entry)
        wanted = lock(known)
        if not isinstance(mode, str) or mode not in {"shared", "exclusive"}:
            raise InputError(
                f"Unknown owner type {mode}" if isinstance(mode, str) else "Owner type not encoded as a string"
            )
        found.append(Request(wanted, parse_mode(mode)))
    return tuple(found)


def locks_json(locks: Iterable[tuple[Lock, Mode]]) -> list[list[str]]:
    """Encode locks with their modes for the wire."""
    return [[lock_name(known), MODE_NAMES[mode]] for known, mode in locks]


def pending_json(pending: Pending) -> list[Any]:
    """Encode a pending request for the wire and for locks.data."""
    return [pending.priority, owner_json(pending.owner), locks_json(pending.requests)]


def owners_json(state: LockState) -> list[Any]:
    """Encode every lock in use with its direct owners, for the wire."""
    return [
        [lock_name(known), [[owner_json(holder), MODE_NAMES[mode]] for holder, mode in holders]]
        for known, holders in view.all_owners(state)
    ]


def locks_file(state: LockState) -> list[Any]:
    """Encode the lock state as locks.data holds it."""
    held = [[owner_json(holder), locks_json(mine)] for holder, mine in view.holders(state)]
    return [held, [pending_json(pending) for pending in view.all_pending(state)]]


def read_locks_file(value: Any, *, fair: bool) -> LockState:
    """Read a locks.data.

    Raises:
        InputError: it is none.
        InconsistentStateError: it contradicts itself.
    """
    held, waiting = _pair(value)
    return view.restore(
        [(owner(who), acquisitions(mine)) for who, mine in map(_pair, array(held))],
        enumerate(sorted(Pending(integer(entry[0]), owner(entry[1]), requests(entry[2])) for entry in array(waiting))),
        fair=fair,
    )


def item_json(kind: str, item: Any) -> Any:
    """Encode a reserved item for the wire: an IP reservation is [action, address, network] there."""
    return [item[0], item[2], item[1]] if kind == IPS else item


def read_item(kind: str, value: Any) -> Any:
    """Read what `item_json` wrote."""
    if kind == IPS:
        action, address, network = array(value)
        return (text(action), text(network), text(address))
    if kind == MINORS:
        minor, disk = _pair(value)
        return (integer(minor), text(disk))
    return text(value)


def reservations_file(state: Reservations) -> dict[str, Any]:
    """Encode the reservations as tempres.data holds them."""
    minors: dict[str, list[Any]] = {}
    for (node, minor), disk in sorted(state.minors.items()):
        minors.setdefault(node, []).append([minor, disk])
    result: dict[str, Any] = {MINORS: [[node, mine] for node, mine in minors.items()]}
    for kind in KINDS:
        result[kind] = [
            [owner_json(who), [item_json(kind, item) for item in sorted(items)]]
            for (its_kind, who), items in sorted(state.by_owner.items())
            if its_kind == kind
        ]
    return result


def read_reservations_file(value: Any) -> list[ReservationChange]:
    """Read a tempres.data.

    Raises:
        InputError: it is none.
    """
    whole = mapping(value)
    rows: list[ReservationChange] = []
    for kind in (MINORS, *KINDS):
        for holder, items in map(_pair, array(whole.get(kind, []))):
            who = text(holder) if kind == MINORS else owner(holder)
            rows.extend(ReservationChange(kind, who, read_item(kind, item), present=True) for item in array(items))
    return rows
