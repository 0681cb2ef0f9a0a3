"""Which TCP ports a new mirror may use, and what taking some does to the cluster object. Pure.

Free are the ports in the pool (given back by what was removed) and all above the highest that was ever used.
Source: Ganeti 3.0.2's allocation of DRBD ports.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from impl.config.facts import FIRST_PORT, LAST_PORT
from spec.errors import GantryError

Cluster = Mapping[str, Any]


class PortTakenError(GantryError):
    """A port is not free, or none is; `port` is it."""

    def __init__(self, port: int | None) -> None:
        self.port = port
        what = f"TCP port {port} was taken by somebody else meanwhile" if port else "no TCP port is free for a mirror"
        super().__init__(f"{what}: try again, or remove instances that nobody needs")


def _highest(cluster: Cluster) -> int:
    return int(cluster.get("highest_used_port") or FIRST_PORT - 1)


def free_ports(cluster: Cluster) -> Iterator[int]:
    """Yield every free port, those in the pool first."""
    yield from sorted(int(port) for port in cluster.get("tcpudp_port_pool") or ())
    yield from range(_highest(cluster) + 1, LAST_PORT + 1)


def is_free(cluster: Cluster, port: int) -> bool:
    """Return whether a port is free."""
    return port in (cluster.get("tcpudp_port_pool") or ()) or _highest(cluster) < port <= LAST_PORT


def with_ports_taken(cluster: Cluster, ports: Sequence[int]) -> dict[str, Any]:
    """Return the attributes of the cluster that change when some ports are taken.

    Raises:
        PortTakenError: one of them is not free.
    """
    pool = [int(port) for port in cluster.get("tcpudp_port_pool") or ()]
    highest = _highest(cluster)
    for port in ports:
        if port in pool:
            pool.remove(port)
        elif highest < port <= LAST_PORT:
            pool.extend(range(highest + 1, port))
            highest = port
        else:
            raise PortTakenError(port)
    if not ports:
        return {}
    return {"tcpudp_port_pool": pool, "highest_used_port": highest}
