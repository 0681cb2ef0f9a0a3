"""Names of locks: levels, their total order, which lock implies which, modes, owners. Vocabulary only.

A lock is a small tuple that compares in the cluster's lock order, so that sorting locks is sorting tuples. The order
of levels and, within a level, lockset first and then members by name, prevents deadlock.

Source: Ganeti's lock levels (cluster, instance, node group, node, node resource, network, configuration).
"""

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from spec.errors import GantryError


class Level(IntEnum):
    """The levels in lock order."""

    CLUSTER = 0
    INSTANCE = 1
    NODEGROUP = 2
    NODE = 3
    NODE_RES = 4
    NETWORK = 5
    CONFIG = 6


class Mode(IntEnum):
    """The mode that a request wants for a lock, or in which a lock is held (never RELEASE)."""

    RELEASE = 0
    SHARED = 1
    EXCLUSIVE = 2


class Lock(NamedTuple):
    """One lock; compares in lock order.

    Attributes:
        level: its level.
        member: 0 for the level's lockset, 1 for an ordinary lock.
        name: the ordinary lock's name within its level, empty for a lockset.
    """

    level: Level
    member: int
    name: str


class Owner(NamedTuple):
    """A client that may own locks; all four fields are its identity, and they compare in the order of owners.

    Attributes:
        is_job: 1 for a job, 0 for any other client (these come first).
        ident: the job's number, or a text.
        livelock: path of the live-lock file that the owner's process holds.
        pid: the owner's process id.
    """

    is_job: int
    ident: str | int
    livelock: str
    pid: int


class Request(NamedTuple):
    """One entry of a request: a lock and the mode wanted for it."""

    lock: Lock
    mode: Mode


LEVEL_NAMES: dict[Level, str] = {
    Level.CLUSTER: "cluster",
    Level.INSTANCE: "instance",
    Level.NODEGROUP: "nodegroup",
    Level.NODE: "node",
    Level.NODE_RES: "node-res",
    Level.NETWORK: "network",
    Level.CONFIG: "config",
}
_LEVELS = {name: level for level, name in LEVEL_NAMES.items()}

MODE_NAMES: dict[Mode, str] = {Mode.RELEASE: "release", Mode.SHARED: "shared", Mode.EXCLUSIVE: "exclusive"}
_MODES = {name: mode for mode, name in MODE_NAMES.items()}

LOCKSET_NAME = "[lockset]"
BGL = Lock(Level.CLUSTER, 1, "BGL")
CONFIG_LOCK = Lock(Level.CONFIG, 1, "config")
_NAMED = {"cluster/BGL": BGL, "cluster/config": CONFIG_LOCK}

_CONSTRUCTORS = {
    Level.CLUSTER: "Cluster",
    Level.INSTANCE: "Instance",
    Level.NODEGROUP: "NodeGroup",
    Level.NODE: "Node",
    Level.NODE_RES: "NodeRes",
    Level.NETWORK: "Network",
}


def job(ident: int, livelock: str = "", pid: int = 0) -> Owner:
    """Return the owner of a job's locks."""
    return Owner(1, ident, livelock, pid)


def other(ident: str, livelock: str = "", pid: int = 0) -> Owner:
    """Return the owner of the locks of a client that is no job."""
    return Owner(0, ident, livelock, pid)


@lru_cache(maxsize=1024)
def lockset(level: Level) -> Lock:
    """Return the lock that includes every lock of `level`."""
    return Lock(level, 0, "")


@lru_cache(maxsize=1 << 17)
def implied(lock: Lock) -> Lock | None:
    """Return the lock that `lock` implies: its level's lockset; None for locksets and the configuration lock."""
    if lock.member and lock.level != Level.CONFIG:
        return lockset(lock.level)
    return None


@lru_cache(maxsize=1 << 17)
def lock_name(lock: Lock) -> str:
    """Return the lock's name on the wire, such as `node/UUID`."""
    if lock == CONFIG_LOCK:
        return "cluster/config"
    return f"{LEVEL_NAMES[lock.level]}/{lock.name if lock.member else LOCKSET_NAME}"


@lru_cache(maxsize=1 << 17)
def parse_lock(name: str) -> Lock:
    """Return the lock of a wire name.

    Raises:
        UnknownLockError: there is no such lock.
    """
    known = _NAMED.get(name)
    if known is not None:
        return known
    prefix, slash, rest = name.partition("/")
    level = _LEVELS.get(prefix)
    if not slash or level is None or level is Level.CONFIG or (level is Level.CLUSTER and rest != LOCKSET_NAME):
        raise UnknownLockError(name)
    return lockset(level) if rest == LOCKSET_NAME else Lock(level, 1, rest)


def parse_level(name: str) -> Level:
    """Return the level of a wire name.

    Raises:
        UnknownLevelError: there is no such level.
    """
    level = _LEVELS.get(name)
    if level is None:
        raise UnknownLevelError(name)
    return level


def parse_mode(name: str) -> Mode:
    """Return the mode of a wire name.

    Raises:
        UnknownModeError: there is no such mode.
    """
    mode = _MODES.get(name)
    if mode is None:
        raise UnknownModeError(name)
    return mode


def described(lock: Lock) -> str:
    """Return the lock's name in error texts, such as `Node "n1"` or `NodeLockSet` (clients match on these)."""
    if lock == CONFIG_LOCK:
        return "ConfigLock"
    if lock == BGL:
        return "BGL"
    constructor = _CONSTRUCTORS[lock.level]
    return f"{constructor} {_quoted(lock.name)}" if lock.member else f"{constructor}LockSet"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _quoted(text: str) -> str:
    """Quote `text` as Ganeti does: printable ASCII unchanged, everything else as a decimal escape."""
    parts: list[str] = []
    for char in text:
        if char in _ESCAPES:
            parts.append(_ESCAPES[char])
        elif " " <= char <= "~":
            # a digit after a numeric escape would be read as part of it: Ganeti inserts an empty escape
            if char.isdigit() and parts and parts[-1][0] == "\\" and parts[-1][-1].isdigit():
                parts.append("\\&")
            parts.append(char)
        else:
            parts.append(f"\\{ord(char)}")
    return '"' + "".join(parts) + '"'


class LockError(GantryError):
    """A request that the lock rules refuse."""


class UnknownLockError(LockError):
    """There is no lock of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Unknown lock name '{name}'")


class UnknownLevelError(LockError):
    """There is no lock level of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Unknown lock-level name '{name}'")


class UnknownModeError(LockError):
    """There is no mode of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Unknown lock update request {name}")
