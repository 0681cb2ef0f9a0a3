"""What wconfd does before it listens: it opens its log and reads what the root holds."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from logging.handlers import WatchedFileHandler
from typing import TypeVar

import msgspec

from impl.bounds import check_text
from impl.config import reservations as temporary
from impl.config.errors import ConfigurationError
from impl.config.model import TOP, Config, changes_between
from impl.config.version import VersionError, check_version
from impl.files import set_aside
from impl.limits import MAX_REQUEST_DEPTH, LimitError
from impl.locks.state import LockState
from impl.paths import Root
from impl.process.ground import Ground
from impl.store.port import Batch, Store, StoreUnusableError
from impl.wconfd.copies import DamagedStateError, newest_copy, read_config
from impl.wconfd.core import State, as_batch, restore
from impl.wire import wconfd as codec

_log = logging.getLogger("wconfd")
T = TypeVar("T")


class LogFile(WatchedFileHandler):
    """The log's file. It is opened again under its name when that was moved, but not in another root's directory.

    Lines that it cannot take (the disk is full) are counted; the next one that it takes says so.
    """

    def __init__(self, path: str) -> None:
        self._directory = Ground((os.path.dirname(path),))
        super().__init__(path)
        self.lost = 0

    def reopenIfNeeded(self) -> None:  # noqa: N802 - the library's name
        """Open the file again if its name leads elsewhere, unless the whole directory was replaced."""
        if self._directory.loss() is None:
            super().reopenIfNeeded()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and before it how many were lost."""
        lost, self.lost = self.lost, 0
        if lost:
            text = "%d lines of the log could not be written before this one"
            self._try(logging.LogRecord(record.name, logging.WARNING, __file__, 0, text, (lost,), None))
        if self.lost:
            self.lost += lost  # still full; this line took the place of the one about them
        else:
            self._try(record)

    def _try(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # the file is opened again, because somebody has moved it
            self.lost += 1

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name
        """Count a line that could not be written, and write nothing about it anywhere else."""
        self.lost += 1


def start_log(root: Root, *, foreground: bool, debug: bool) -> None:
    """Log to the root's log file, and with `foreground` to the terminal."""
    form = logging.Formatter("%(asctime)s wconfd[%(process)d] %(levelname)s %(message)s")
    handlers: list[logging.Handler] = [LogFile(root.log_file("wconfd"))]
    if foreground:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(form)
        _log.addHandler(handler)
    _log.setLevel(logging.DEBUG if debug else logging.INFO)


def take_in(root: Root, store: Store, *, fair: bool, replicas: Sequence[str] = ()) -> State:
    """Return the state to start from: the store's, or at first start what Ganeti's files hold.

    A config.data with a newer serial number than the store's is an administrator's: it is taken in, and that is logged.
    One that cannot be read is set aside where the store has a configuration.

    Args:
        root: where the files lie.
        store: durable state.
        fair: the rule for locks.
        replicas: directories with copies of the configuration, to be named if it is damaged.

    Raises:
        StoreDamagedError: the store is damaged.
        DamagedStateError: the only configuration is damaged.
        VersionError: config.data has the format of another version; it is left as it is.
        GantryError: what is there cannot be read or contradicts itself.
    """
    saved = store.load()
    if saved is None:
        state = State(_read(root.locks, lambda value: codec.read_locks_file(value, fair=fair)) or LockState(fair=fair))
        rows = _read(root.reservations, codec.read_reservations_file)
        if rows:
            state = state._replace(reservations=temporary.restore(rows))
    else:
        state = restore(saved, fair=fair)
        if not state.config.empty:
            check_version(state.config.get(TOP, "version"), root.store)
    config = _newer_config(root, state.config, replicas)
    batch = as_batch(state) if saved is None else Batch()
    if config is not None:
        if not state.config.empty:
            _log.warning(
                "%s has serial number %d, newer than our %d: taking it in",
                root.config,
                config.serial,
                state.config.serial,
            )
        batch.config = changes_between(state.config, config)
        state = state._replace(config=config)
    if batch:
        store.commit(batch)
    return state


def _newer_config(root: Root, ours: Config, replicas: Sequence[str]) -> Config | None:
    """Read config.data; None if there is none, or none that is newer than ours."""
    try:
        config = read_config(root.config)
    except VersionError:
        raise
    except ConfigurationError as error:
        if ours.empty:
            raise DamagedStateError(root.config, str(error), newest_copy(root, replicas)) from error
        _log.warning("%s cannot be read (%s): keeping it as %s, and writing it again from the store",
                     root.config, error, set_aside(root.config))  # fmt: skip
        return None
    return config if config is not None and (ours.empty or config.serial > ours.serial) else None


def _read(path: str, read: Callable[[object], T]) -> T | None:
    try:
        with open(path, "rb") as file:
            text = file.read()
        check_text(text, MAX_REQUEST_DEPTH)
        value = msgspec.json.decode(text)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, LimitError) as error:
        raise StoreUnusableError(path, str(error)) from error
    _log.info("taking in %s", path)
    return read(value)
