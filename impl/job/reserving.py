"""What a job reserves in wconfd: MAC addresses, secrets, DRBD minors, ports. A killed job leaves none of it reserved.

MAC addresses and secrets belong to the job as owner: wconfd drops them when the job dies, and the job itself at the end
of each opcode. Ports are set aside in the same way, under a name of our own among the logical volumes, and leave the
pool in the transaction that adds their disk. Minors belong to nobody on the wire. So they are released just ahead of
that transaction: until then and through it the job holds their nodes' locks exclusively, and nobody allocates minors of
a node without its lock. For the same reason minors that a dead job left there may be released by whoever holds the
node's lock: they are those that no disk of the configuration has.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from impl.cluster.view import DRBD, ClusterView
from impl.job.ports import PortTakenError, free_ports, is_free
from spec.errors import PeerError


class Reservations(Protocol):
    """What a unit may have set aside."""

    def reserve_mac(self, network: str | None, wanted: str | None = None) -> str:
        """Set a MAC address aside, a given one or a new one of a network or the cluster."""

    def reserve_secret(self) -> str:
        """Set a new DRBD secret aside."""

    def reserve_port(self) -> int:
        """Set aside a port that nobody uses, until this opcode ends; the unit's change must take it from the pool."""

    def reserve_minors(self, disk: str, nodes: Sequence[str]) -> list[int]:
        """Set aside a free DRBD minor on each of some nodes, whose locks the job holds exclusively."""

    def release_minors(self, *disks: str) -> None:
        """Release the minors of some disks: just before they are entered into the configuration, or after a failure."""


class WconfdReservations:
    """The reservations of one job.

    Args:
        call: calls a method of wconfd.
        client_id: the job there.
        read: the configuration as it is now.
    """

    def __init__(self, call: Callable[..., Any], client_id: Sequence[Any], read: Callable[[], ClusterView]) -> None:
        self._call = call
        self._client_id = list(client_id)
        self._read = read
        self._own: set[str] = set()
        self._cleared: set[str] = set()
        self._touched = False
        self._ports: set[int] = set()

    def drop(self) -> None:
        """Drop all that belongs to the job, if there is anything."""
        if self._touched:
            self._call("dropAllReservations", self._client_id)
            self._touched = False
            self._ports = set()

    def reserve_mac(self, network: str | None, wanted: str | None = None) -> str:
        """See `Reservations`."""
        self._touched = True
        if wanted is None:
            return str(self._call("generateMAC", self._client_id, network))
        self._call("reserveMAC", self._client_id, wanted)
        return wanted

    def reserve_secret(self) -> str:
        """See `Reservations`."""
        self._touched = True
        return str(self._call("generateDRBDSecret", self._client_id))

    def reserve_port(self) -> int:
        """See `Reservations`."""
        self._touched = True
        # what others have committed since the view was read is seen only once their reservation is gone: read again
        for port in free_ports(self._read().cluster):
            if port in self._ports:
                continue
            try:
                self._call("reserveLV", self._client_id, f"tcp-port/{port}")
            except PeerError as error:
                if error.error_class != "ReservationError":
                    raise
                continue
            self._ports.add(port)
            if is_free(self._read().cluster, port):
                return port
        raise PortTakenError(None)

    def reserve_minors(self, disk: str, nodes: Sequence[str]) -> list[int]:
        """See `Reservations`."""
        self._release_left_over(set(nodes) - self._cleared)
        self._cleared.update(nodes)
        self._own.add(disk)
        return [int(minor) for minor in self._call("allocateDRBDMinor", disk, list(nodes))]

    def release_minors(self, *disks: str) -> None:
        """See `Reservations`."""
        for disk in disks:
            self._call("releaseDRBDMinors", disk)

    def _release_left_over(self, nodes: set[str]) -> None:
        """Release what dead jobs left on nodes that are locked, and that no disk of ours has."""
        if not nodes:
            return
        try:
            known = self._call("computeDRBDMap")
        except PeerError:
            return  # minors that are used twice: cluster verify reports that
        configured = configured_minors(self._read())
        left = {
            disk
            for node, minors in known
            for minor, disk in minors
            if node in nodes and (node, minor) not in configured
        }
        self.release_minors(*sorted(left - self._own))


def configured_minors(view: ClusterView) -> set[tuple[str, int]]:
    """Return the (node, minor) pairs of all mirrored disks."""
    found = set()
    for disk in (view.config.get("disks") or {}).values():
        if disk["dev_type"] == DRBD:
            first, second, _, first_minor, second_minor, *_ = disk["logical_id"]
            found |= {(first, first_minor), (second, second_minor)}
    return found
