"""The port to the hypervisors of the nodes: one method for each operation that a job asks for.

Rules for every driver: a method returns when its operation is done, or raises `DriverError` with the reason; it may
take long and logs its progress. An operation that was done before does nothing and succeeds, because a job may be
killed between the operation and the change of the configuration. No method changes the configuration: the job does
that, in one transaction, when the operation is done.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import Observer
from spec.errors import GantryError

Object = Mapping[str, Any]
Log = Callable[[str], None]


class DriverError(GantryError):
    """A hypervisor or node could not do what it was asked; `node` is its name, `reason` what it said."""

    def __init__(self, node: str, reason: str) -> None:
        self.node = node
        self.reason = reason
        super().__init__(f"{node}: {reason}")


class Driver(Observer, Protocol):
    """Moves, starts and stops instances."""

    def migrate(self, view: ClusterView, instance: Object, target: str, log: Log, *, live: bool) -> None:
        """Move a running instance to its node `target` (a UUID), without or with a short stop."""

    def start(self, view: ClusterView, instance: Object, node: str, log: Log, *, paused: bool = False) -> None:
        """Start an instance on a node."""

    def stop(self, view: ClusterView, instance: Object, node: str, log: Log, *, timeout: int) -> None:
        """Shut an instance down, by force after `timeout` seconds."""

    def reboot(self, view: ClusterView, instance: Object, node: str, log: Log, *, kind: str, timeout: int) -> None:
        """Reboot an instance: `soft`, `hard` or `full`."""

    def create_disks(
        self, view: ClusterView, instance: Object, disks: Sequence[Object], log: Log, *, wait: bool
    ) -> None:
        """Make an instance's disks on their nodes and bring the mirrors in step, waiting for that or not."""

    def remove_disks(
        self, view: ClusterView, instance: Object, disks: Sequence[Object], nodes: Sequence[str], log: Log
    ) -> None:
        """Remove what some nodes keep of some disks; nodes that are offline are left out."""

    def copy_disks(self, view: ClusterView, instance: Object, disks: Sequence[Object], target: str, log: Log) -> None:
        """Make copies of an instance's disks on the node `target` and bring them in step with the primary."""

    def grow_disk(self, view: ClusterView, instance: Object, disk: Object, size: int, log: Log, *, wait: bool) -> None:
        """Make a disk `size` MiB large on all of its nodes, waiting for the mirror of what is new or not."""

    def power(self, view: ClusterView, node: Object, command: str, log: Log, *, timeout: int) -> Any:
        """Run an out-of-band command and return its answer.

        `command` is `power-on`, `power-off`, `power-cycle`, `power-status` or `health`; `timeout` is in seconds.
        """
