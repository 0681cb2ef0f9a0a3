"""The embedded default: no machines, only time. All state is in the configuration, where the job puts it.

Moving memory or disk takes `seconds_per_gib` (of the cluster's object `gantry`), with a few lines of progress in the
log, so that work can be watched. Nodes that are offline do not answer, as real ones.
"""

from collections.abc import Callable, Sequence
from typing import Any

from impl.cluster.view import ClusterView, disk_footprint
from impl.hypervisor.facts import HARDWARE, ConfiguredObserver
from impl.hypervisor.port import DriverError, Log, Object

PROGRESS_LINES = 4
"""Lines that one copy writes at most."""

MIB_PER_GIB = 1024


class EmbeddedDriver(ConfiguredObserver):
    """Carries out everything by waiting.

    Args:
        sleep: waits some seconds.
    """

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep

    def migrate(self, view: ClusterView, instance: Object, target: str, log: Log, *, live: bool) -> None:
        """Copy the instance's memory."""
        name = _online(view, target)
        _online(view, str(instance["primary_node"]))
        how = "live" if live else "with a stop"
        self._copy(view, view.memory(instance), f"memory of {instance['name']} to {name} ({how})", log)

    def start(self, view: ClusterView, instance: Object, node: str, log: Log, *, paused: bool = False) -> None:
        """Log it."""
        log(f"starting {instance['name']} on {_online(view, node)}{' (paused)' if paused else ''}")

    def stop(self, view: ClusterView, instance: Object, node: str, log: Log, *, timeout: int) -> None:
        """Log it."""
        log(f"shutting down {instance['name']} on {_online(view, node)} within {timeout} s")

    def reboot(self, view: ClusterView, instance: Object, node: str, log: Log, *, kind: str, timeout: int) -> None:
        """Log it."""
        log(f"{kind} reboot of {instance['name']} on {_online(view, node)} within {timeout} s")

    def create_disks(
        self, view: ClusterView, instance: Object, disks: Sequence[Object], log: Log, *, wait: bool
    ) -> None:
        """Bring the mirrors in step, if there are any and they are to be waited for."""
        for node in {str(node) for disk in disks for node in disk.get("nodes") or ()}:
            _online(view, node)
        mirrored = [disk for disk in disks if disk["dev_type"] == "drbd"]
        log(f"created {_count(disks)} of {instance['name']}")
        if mirrored and wait:
            self._copy(view, sum(map(disk_footprint, mirrored)), f"disks of {instance['name']} to the mirror", log)

    def remove_disks(
        self, view: ClusterView, instance: Object, disks: Sequence[Object], nodes: Sequence[str], log: Log
    ) -> None:
        """Log it."""
        for uuid in nodes:
            node = view.nodes[uuid]
            state = " later: the node is offline" if node.get("offline") else ""
            log(f"removing {_count(disks)} of {instance['name']} on {node['name']}{state}")

    def copy_disks(self, view: ClusterView, instance: Object, disks: Sequence[Object], target: str, log: Log) -> None:
        """Copy the disks' data."""
        name = _online(view, target)
        _online(view, str(instance["primary_node"]))
        self._copy(view, sum(map(disk_footprint, disks)), f"disks of {instance['name']} to {name}", log)

    def grow_disk(self, view: ClusterView, instance: Object, disk: Object, size: int, log: Log, *, wait: bool) -> None:
        """Bring the mirror of what is new in step, if there is one and it is to be waited for."""
        for node in disk.get("nodes") or ():
            _online(view, str(node))
        if disk["dev_type"] == "drbd" and wait:
            self._copy(view, size - int(disk["size"]), f"what is new of a disk of {instance['name']}", log)

    def power(self, view: ClusterView, node: Object, command: str, log: Log, *, timeout: int) -> Any:
        """Answer from the configuration."""
        if not view.node_parameters(node).get("oob_program"):
            raise DriverError(str(node["name"]), "no out-of-band program is set")
        log(f"{command} of {node['name']} within {timeout} s")
        if command == "power-status":
            return {"powered": bool(node.get("powered", True))}
        return [] if command == "health" else None

    def _copy(self, view: ClusterView, mib: int, what: str, log: Log) -> None:
        gib = mib / MIB_PER_GIB
        settings = view.cluster.get(HARDWARE) or {}
        seconds = gib * float(settings.get("seconds_per_gib") or 0.0)
        log(f"copying {gib:.1f} GiB: {what}")
        if seconds <= 0:
            return
        for part in range(1, PROGRESS_LINES + 1):
            self._sleep(seconds / PROGRESS_LINES)
            if part < PROGRESS_LINES:
                log(f"{100 * part // PROGRESS_LINES} % of {gib:.1f} GiB copied")


def _count(disks: Sequence[Object]) -> str:
    return f"{len(disks)} disk{'' if len(disks) == 1 else 's'}"


def _online(view: ClusterView, uuid: str) -> str:
    """Return the node's name, if it answers.

    Raises:
        DriverError: there is no such node, or it is marked offline.
    """
    node = view.nodes.get(uuid)
    if node is None:
        raise DriverError(uuid, "no such node")
    if node.get("offline"):
        raise DriverError(str(node["name"]), "Node is marked offline")
    return str(node["name"])
