"""What wconfd does before it listens: it opens its log and reads what the root holds."""

import logging
import os
import sys
from collections.abc import Callable
from logging.handlers import WatchedFileHandler
from typing import TypeVar

import msgspec

from impl.bounds import check_text
from impl.config import reservations as temporary
from impl.config.model import Config, changes_between, parse
from impl.limits import MAX_REQUEST_DEPTH, LimitError
from impl.locks.state import LockState
from impl.paths import Root
from impl.process.ground import Ground
from impl.store.port import Batch, Store, StoreUnusableError
from impl.wconfd.core import State, as_batch, restore
from impl.wire import wconfd as codec

_log = logging.getLogger("wconfd")
T = TypeVar("T")


class _LogFile(WatchedFileHandler):
    """A log that may be rotated: it is opened again under its name, but not in another root's directory."""

    def __init__(self, path: str) -> None:
        self._directory = Ground((os.path.dirname(path),))
        super().__init__(path)

    def reopenIfNeeded(self) -> None:  # noqa: N802 - the library's name
        """Open the file again if its name leads elsewhere, unless the whole directory was replaced."""
        if self._directory.loss() is None:
            super().reopenIfNeeded()


def start_log(root: Root, *, foreground: bool, debug: bool) -> None:
    """Log to the root's log file, and with `foreground` to the terminal."""
    form = logging.Formatter("%(asctime)s wconfd[%(process)d] %(levelname)s %(message)s")
    handlers: list[logging.Handler] = [_LogFile(root.log_file("wconfd"))]
    if foreground:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(form)
        _log.addHandler(handler)
    _log.setLevel(logging.DEBUG if debug else logging.INFO)


def take_in(root: Root, store: Store, *, fair: bool) -> State:
    """Return the state to start from: the store's, or at first start what Ganeti's files hold.

    A config.data with a newer serial number than the store's is an administrator's: it is taken in, and that is logged.

    Raises:
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
    config = _read_config(root)
    batch = as_batch(state) if saved is None else Batch()
    if config is not None and (state.config.empty or config.serial > state.config.serial):
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


def _read_config(root: Root) -> Config | None:
    try:
        with open(root.config, "rb") as file:
            return parse(file.read())
    except FileNotFoundError:
        return None


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
