"""The embedded store: SQLite in WAL mode with full synchronisation, one transaction a batch.

A commit appends the changed pages to the log and syncs it once; its cost follows what changed. Rows hold owners,
requests and items as JSON texts.

A store that is damaged, or holds less than was acknowledged (`acknowledged`), is refused as it was found: SQLite would
remove the log when it closes the file, so the log has a second name until the store has been loaded.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from impl.config.model import Change
from impl.config.reservations import MINORS, ReservationChange
from impl.store.acknowledged import Acknowledged
from impl.store.port import Batch, Saved, StoreDamagedError, StoreError, StoreUnusableError
from impl.wire import wconfd as codec
from spec.errors import GantryError
from spec.locks.model import Pending
from spec.locks.names import Lock, Mode, Owner, lock_name, parse_lock

SCHEMA = 1

_TABLES = {
    "meta": "key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "held": "owner TEXT, lock TEXT, mode INTEGER NOT NULL, PRIMARY KEY (owner, lock)) WITHOUT ROWID",
    "waiting": "owner TEXT PRIMARY KEY, arrival INTEGER NOT NULL, request TEXT NOT NULL) WITHOUT ROWID",
    "objects": "section TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (section, key))",
    "reservations": "kind TEXT, holder TEXT, item TEXT, PRIMARY KEY (kind, holder, item)) WITHOUT ROWID",
}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@lru_cache(maxsize=1 << 14)
def _owner_text(owner: Owner) -> str:
    return _json(codec.owner_json(owner))


def _holder_text(kind: str, holder: Any) -> str:
    return _json(holder) if kind == MINORS else _owner_text(holder)


def connect(path: str) -> sqlite3.Connection:
    """Open a connection without transactions of its own, for one thread at a time."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


class SqliteStore:
    """The store in one SQLite file, which nobody else opens meanwhile.

    Args:
        path: the file; its directory exists.
        open_connection: how it is opened (the crash explorer records what is written).

    Raises:
        StoreUnusableError: it is no store of ours, or cannot be opened.
    """

    def __init__(self, path: str, open_connection: Callable[[str], sqlite3.Connection] = connect) -> None:
        self.path = path
        self._log, self._kept_log = f"{path}-wal", f"{path}-wal.kept"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.close(descriptor)
            self._keep_log()
            self._acknowledged = Acknowledged(f"{path}-acknowledged")
        except OSError as error:
            raise StoreUnusableError(path, str(error)) from error
        try:
            self._connection = open_connection(path)
            self._open()
        except (sqlite3.Error, StoreUnusableError) as error:
            self._give_log_back()
            self._acknowledged.close()
            if isinstance(error, sqlite3.OperationalError):  # locked, no space, no rights
                raise StoreUnusableError(path, str(error)) from error
            if isinstance(error, sqlite3.Error):
                raise StoreDamagedError(path, str(error)) from error
            raise

    def _open(self) -> None:
        # EXTRA for the change to WAL: it syncs the directory after the first journal is removed; otherwise a power
        # failure may bring that journal back, and SQLite would roll the whole store back to nothing
        for pragma in ("locking_mode=EXCLUSIVE", "synchronous=EXTRA", "journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        for table, columns in _TABLES.items():
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns}")
        self._number = self._meta("batch", 0)
        schema = self._meta("schema", SCHEMA)
        if schema != SCHEMA:
            raise StoreUnusableError(self.path, f"its schema is {schema}, this program knows {SCHEMA}")

    def _keep_log(self) -> None:
        """Give the log of a process that did not close the store a second name."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._kept_log)
        with contextlib.suppress(FileNotFoundError):
            os.link(self._log, self._kept_log)

    def _give_log_back(self) -> None:
        """Close the store, and leave the log as it was found."""
        with contextlib.suppress(sqlite3.Error, AttributeError):
            self._connection.close()
        with contextlib.suppress(FileNotFoundError):
            os.rename(self._kept_log, self._log)

    def _meta(self, key: str, default: int) -> int:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else int(row[0])

    def load(self) -> Saved | None:
        """Return the state after the last committed batch; None if there was never one.

        Raises:
            StoreDamagedError: the file is damaged, or less is there than was acknowledged. The store is then closed.
        """
        saved: Saved | None = None
        try:
            ((verdict,), *_) = self._connection.execute("PRAGMA quick_check(1)").fetchall()
            saved = self._load() if self._number else None
            problem = None if verdict == "ok" else str(verdict)
        except (sqlite3.Error, GantryError, msgspec.DecodeError, ValueError) as error:
            problem = str(error)
        lost = self._acknowledged.number - self._number
        if problem is None and lost > 0:
            problem = f"the last {lost} of {self._acknowledged.number} acknowledged changes are missing"
        if problem is not None:
            self._give_log_back()
            raise StoreDamagedError(self.path, problem, saved)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._kept_log)
        return saved

    def _load(self) -> Saved:
        run = self._connection.execute
        held: dict[Owner, list[tuple[Lock, Mode]]] = {}
        for who, lock, mode in run("SELECT owner, lock, mode FROM held"):
            held.setdefault(_read_owner(who), []).append((parse_lock(lock), Mode(mode)))
        waiting = tuple(
            (arrival, _read_pending(request))
            for arrival, request in run("SELECT arrival, request FROM waiting ORDER BY arrival")
        )
        config = tuple(Change(*row) for row in run("SELECT section, key, value FROM objects ORDER BY rowid"))
        reservations = tuple(
            ReservationChange(
                kind,
                msgspec.json.decode(holder) if kind == MINORS else _read_owner(holder),
                codec.read_item(kind, msgspec.json.decode(item)),
                present=True,
            )
            for kind, holder, item in run("SELECT kind, holder, item FROM reservations")
        )
        everybody = tuple((owner, tuple(locks)) for owner, locks in held.items())
        return Saved(self._number, everybody, waiting, config, reservations)

    def commit(self, batch: Batch) -> int:
        """Make a batch durable, and answer its number.

        Raises:
            StoreError: it could not be written; nothing of it is kept.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._write(batch)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise StoreError(str(error)) from error
        self._number += 1
        self._acknowledged.note(self._number)
        return self._number

    def _write(self, batch: Batch) -> None:
        many, one = self._connection.executemany, self._connection.execute
        held = {(change.owner, change.lock): change.mode for change in batch.held}
        gone = [(_owner_text(owner), lock_name(lock)) for (owner, lock), mode in held.items() if not mode]
        kept = [(_owner_text(owner), lock_name(lock), int(mode)) for (owner, lock), mode in held.items() if mode]
        if gone:
            many("DELETE FROM held WHERE owner = ? AND lock = ?", gone)
        if kept:
            many("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", kept)
        for owner, waiting, arrival in {change.owner: change for change in batch.waiting}.values():
            if waiting is None:
                one("DELETE FROM waiting WHERE owner = ?", (_owner_text(owner),))
            else:
                row = (_owner_text(owner), arrival, _json(codec.pending_json(waiting)))
                one("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", row)
        for section, key, text in {(change.section, change.key): change for change in batch.config}.values():
            if text is None:
                one("DELETE FROM objects WHERE section = ? AND key = ?", (section, key))
            else:
                one(
                    "INSERT INTO objects VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                    (section, key, text),
                )
        for kind, holder, item, present in batch.reservations:
            values = (kind, _holder_text(kind, holder), _json(codec.item_json(kind, item)))
            if present:
                one("INSERT OR REPLACE INTO reservations VALUES (?, ?, ?)", values)
            else:
                one("DELETE FROM reservations WHERE kind = ? AND holder = ? AND item = ?", values)
        one("INSERT OR REPLACE INTO meta VALUES ('batch', ?)", (self._number + 1,))

    def close(self) -> None:
        """Let go of the store; the log is folded into the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._kept_log)
        self._acknowledged.close()


def _read_owner(text: str) -> Owner:
    return codec.owner(msgspec.json.decode(text))


def _read_pending(text: str) -> Pending:
    priority, who, requests = msgspec.json.decode(text)
    return Pending(priority, codec.owner(who), codec.requests(requests))
