"""Making the root of a new cluster: directories, configuration, an empty queue. A root is never made over another."""

import os
import tempfile
from typing import Any

import msgspec

from impl.paths import Root
from spec.errors import GantryError


class RootInUseError(GantryError):
    """A root already holds a cluster; `path` is its configuration."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"there is a cluster already: {path}; name another --root, or remove that directory")


LONGEST_SOCKET = 107
"""Bytes of a unix socket's path."""


class RootTooLongError(GantryError):
    """The sockets below a root would have longer paths than sockets can have; `path` is the longest."""

    def __init__(self, path: str) -> None:
        self.path = path
        over = len(os.fsencode(path)) - LONGEST_SOCKET
        super().__init__(
            f"the path of a socket would be too long ({path}): choose a --root that is {over} bytes shorter"
        )


def create_root(root: Root, config: dict[str, Any]) -> None:
    """Write a new cluster's files; the configuration comes last, so a half-made root is never taken for a cluster.

    Raises:
        RootTooLongError: sockets could not be made below it.
        RootInUseError: there is a configuration already; nothing is changed.
    """
    socket = max(root.wconfd_socket, root.luxi_socket, key=len)
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        raise RootTooLongError(socket)
    if os.path.lexists(root.config):
        raise RootInUseError(root.config)
    root.make_directories()
    cluster = config["cluster"]
    master = config["nodes"].get(cluster["master_node"], {}).get("name", "")
    for path, text in (
        (os.path.join(root.queue, "serial"), "0\n"),
        (os.path.join(root.queue, "version"), "1\n"),
        (os.path.join(root.state, "ssconf_cluster_name"), f"{cluster['cluster_name']}\n"),
        (os.path.join(root.state, "ssconf_master_node"), f"{master}\n"),
        (os.path.join(root.state, "ssconf_primary_ip_family"), f"{cluster['primary_ip_family']}\n"),
    ):
        _write(path, text.encode())
    _write(root.config, msgspec.json.encode(config))


def _write(path: str, data: bytes) -> None:
    """Write a file durably under its name, or not at all."""
    folder = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=os.path.basename(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
