"""Copies of the configuration: config.data, the store's, those in replicas' directories; which one is the newest.

When the store or the only config.data is damaged, wconfd does not start; it names the newest good copy and the command
that takes it.
"""

import contextlib
import os
from collections.abc import Sequence
from typing import NamedTuple

from impl.config.model import TOP, Config, from_rows, parse
from impl.config.version import check_version
from impl.paths import Root
from impl.store.port import Saved
from impl.store.replicas import DirectoryTarget
from spec.errors import GantryError


class Copy(NamedTuple):
    """A copy that can be read: where it is, and what it holds."""

    path: str
    config: Config


class DamagedStateError(GantryError):
    """What wconfd would start from is damaged.

    Attributes:
        path: the damaged file.
        reason: what is wrong with it.
        copy: the newest good copy; None if there is none.
    """

    def __init__(self, path: str, reason: str, copy: Copy | None) -> None:
        self.path = path
        self.reason = reason
        self.copy = copy
        advice = (
            "no good copy is known: 'gantry cluster recover --from FILE' takes one that you have"
            if copy is None
            else f"the newest good copy of the configuration is {copy.path}, serial number {copy.config.serial}: "
            f"'gantry cluster recover --from {copy.path}' takes it"
        )
        super().__init__(f"{path} is damaged ({reason}), and is left as it is; {advice}")


def read_config(path: str) -> Config | None:
    """Read a file in config.data's format; None if there is none.

    Raises:
        ConfigurationError: it cannot be understood, or has the format of another version.
    """
    try:
        with open(path, "rb") as file:
            config = parse(file.read())
    except FileNotFoundError:
        return None
    check_version(config.get(TOP, "version"), path)
    return config


def read_copy(path: str) -> Config | None:
    """Read a copy: a file, or the directory of a replica; None if nothing is there.

    Raises:
        GantryError: it cannot be understood.
    """
    if os.path.isdir(path):
        config = DirectoryTarget(path).read()
        return None if config.empty else config
    return read_config(path)


def stored_config(saved: Saved | None) -> Config:
    """Return the configuration that a store holds (an empty one for none, or one that cannot be understood)."""
    if saved is not None and saved.config:
        with contextlib.suppress(ValueError):
            return from_rows(list(saved.config))
    return Config()


def newest_copy(root: Root, replicas: Sequence[str], saved: Saved | None = None) -> Copy | None:
    """Return the readable copy with the highest serial number; of several, a file before what the store still holds."""
    found: list[Copy] = []
    for path in (root.config, *replicas):
        with contextlib.suppress(GantryError, OSError):
            config = read_copy(path)
            if config is not None:
                found.append(Copy(path, config))
    if not (rest := stored_config(saved)).empty:
        found.append(Copy(root.store, rest))
    return max(found, key=lambda copy: copy.config.serial, default=None)
