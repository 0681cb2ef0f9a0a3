"""Making the root of a new cluster: directories, configuration, an empty queue. A root is never made over another."""

import os
from typing import Any

import msgspec

from impl.files import write_file
from impl.paths import Root
from spec.errors import GantryError


class RootInUseError(GantryError):
    """A root already holds a cluster; `path` is its configuration."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"there is a cluster already: {path}; name another --root, or remove that directory")


def create_root(root: Root, config: dict[str, Any]) -> None:
    """Write a new cluster's files; the configuration comes last, so a half-made root is never taken for a cluster.

    Raises:
        RootTooLongError: sockets could not be made below it.
        RootInUseError: there is a configuration already; nothing is changed.
    """
    root.check_sockets()
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
        write_file(path, text.encode())
    write_file(root.config, msgspec.json.encode(config))
