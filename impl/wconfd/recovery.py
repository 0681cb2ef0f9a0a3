"""Starting again from the newest good copy after the store was damaged: `gantry cluster recover`.

The damaged files are set aside, none is removed. Locks, pending requests and reservations are taken from what the store
still holds, else, at the next start, from locks.data and tempres.data, which may be a second older.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

from impl.config.model import Config
from impl.files import set_aside, write_file
from impl.paths import Root
from impl.process.pidfile import PidFile
from impl.store.port import StoreDamagedError
from impl.store.sqlite import SqliteStore
from impl.wconfd.copies import newest_copy, read_copy, stored_config
from impl.wconfd.core import State, as_batch, restore
from spec.errors import GantryError


class RecoveryError(GantryError):
    """There is nothing to recover, or nothing to recover from; nothing was changed."""


def recover(root: Root, source: str | None, *, dry_run: bool) -> Iterator[str]:
    """Set the damaged store aside and make one from a good copy; yield what is done, a line each.

    Args:
        root: the cluster's; its wconfd does not run.
        source: a copy of the configuration (a file, a replica's directory, the store itself); None for the newest.
        dry_run: say what would be done, and do nothing.

    Raises:
        AlreadyRunningError: wconfd runs.
        RecoveryError: see there.
        GantryError: the copy that was named cannot be used.
    """
    with PidFile.take(root, "wconfd"):
        damage = _damage(root)
        config, path = _chosen(root, source, damage)
        if damage is None and config is None:
            raise RecoveryError(f"{root.store} is whole, and so is {root.config}: nothing to recover")
        if config is None:
            raise RecoveryError("no good copy of the configuration is known: name one with --from")
        if damage is not None:
            yield f"damaged: {damage.path} ({damage.reason})"
        yield f"configuration: from {path}, serial number {config.serial}"
        saved = None if damage is None else damage.saved
        kept = "what the store still holds" if saved is not None else "locks.data and tempres.data"
        yield f"locks and reservations: from {kept}"
        if dry_run:
            yield "nothing was changed"
            return
        yield from _set_aside(root)
        if saved is None:
            write_file(root.config, config.text())
        else:
            _write(root, restore(replace(saved, config=()), fair=False)._replace(config=config))


def _damage(root: Root) -> StoreDamagedError | None:
    """Return what is wrong with the store; None if nothing is."""
    if not os.path.exists(root.store) and not os.path.exists(f"{root.store}-acknowledged"):
        return None
    try:
        store = SqliteStore(root.store)
        store.load()
    except StoreDamagedError as error:
        return error
    store.close()
    return None


def _chosen(root: Root, source: str | None, damage: StoreDamagedError | None) -> tuple[Config | None, str]:
    """Return the configuration to take, and where it comes from."""
    saved = None if damage is None else damage.saved
    if source is not None and os.path.abspath(source) != root.store:
        return read_copy(source), source
    if source is not None:
        rest = stored_config(saved)
        return None if rest.empty else rest, source
    if damage is None:
        return None, ""
    copy = newest_copy(root, (), saved)
    return (None, "") if copy is None else (copy.config, copy.path)


def _set_aside(root: Root) -> Iterator[str]:
    """Give the files of the store names that nothing reads; a config.data that cannot be read as well."""
    for path in (root.store, f"{root.store}-wal", f"{root.store}-acknowledged"):
        with contextlib.suppress(FileNotFoundError):
            yield f"kept: {set_aside(path)}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{root.store}-shm")
    try:
        read_copy(root.config)
    except GantryError:
        yield f"kept: {set_aside(root.config)}"


def _write(root: Root, state: State) -> None:
    store = SqliteStore(root.store)
    store.commit(as_batch(state))
    store.close()
