"""New disks of instances: their objects, and making them so that nothing is left of them when it goes wrong.

Until the configuration has a disk, its DRBD minors and port are only set aside; see `impl.job.reserving`.
"""

import uuid as uuids
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, drop, put, set_cluster, together
from impl.cluster.view import DRBD, DRBD_META_MIB, ClusterView
from impl.hypervisor.port import DriverError
from impl.job.ports import with_ports_taken
from impl.job.unit import Context
from impl.wire.client import UnreachableError

Object = Mapping[str, Any]


def new_disk(
    context: Context, template: str, wanted: Mapping[str, Any], index: int, nodes: Sequence[str]
) -> dict[str, Any]:
    """Make the object of a new disk.

    Args:
        context: the opcode's; it holds the nodes' locks.
        template: the disk template.
        wanted: size in MiB, and perhaps mode, name, spindles, volume group.
        index: its place among the instance's disks.
        nodes: UUIDs of the instance's nodes, the primary first.
    """
    own = str(uuids.uuid4())
    disk: dict[str, Any] = {
        "uuid": own,
        "dev_type": template,
        "size": int(wanted["size"]),
        "mode": wanted.get("mode") or "rw",
        "iv_name": f"disk/{index}",
        "nodes": list(nodes),
        "params": {},
    }
    if wanted.get("name"):
        disk["name"] = wanted["name"]
    if wanted.get("spindles") is not None:
        disk["spindles"] = wanted["spindles"]
    volume = wanted.get("vg") or context.view.cluster.get("volume_group_name") or "xenvg"
    if template == DRBD:
        aside = context.reservations
        disk["logical_id"] = [*nodes, aside.reserve_port(), *aside.reserve_minors(own, nodes), aside.reserve_secret()]
        disk["children"] = [
            {**_volume(volume, f"{own}.disk{index}_{part}", size, nodes), "iv_name": ""}
            for part, size in (("data", disk["size"]), ("meta", DRBD_META_MIB))
        ]
    else:
        disk["logical_id"] = [volume, f"{own}.disk{index}"]
    return disk


def _volume(group: str, name: str, size: int, nodes: Sequence[str]) -> dict[str, Any]:
    return {
        "dev_type": "plain", "logical_id": [group, name], "size": size, "nodes": list(nodes), "params": {},
        "serial_no": 1, "ctime": 0.0, "mtime": 0.0,
    }  # fmt: skip


def mirrored(disks: Sequence[Object]) -> list[Object]:
    """Return those of some disks that DRBD mirrors."""
    return [disk for disk in disks if disk["dev_type"] == DRBD]


def exchange_disks(view: ClusterView, new: Sequence[Object], gone: Sequence[Object] = ()) -> Change:
    """Return the change that adds disks and takes their ports, and drops others and gives theirs back.

    Raises:
        PortTakenError: a port is not free any more.
    """
    ports = [int(disk["logical_id"][2]) for disk in mirrored(new)]
    taken = with_ports_taken(view.cluster, ports)
    back = ports_back({**view.cluster, **taken}, gone)
    return together(
        [
            put("disks", *new) if new else NO_CHANGE,
            drop("disks", *(str(disk["uuid"]) for disk in gone)) if gone else NO_CHANGE,
            set_cluster(**{**taken, **back}),
        ]
    )


def ports_back(cluster: Object, disks: Sequence[Object], *more: int | None) -> dict[str, Any]:
    """Return what changes of the cluster when disks go: their ports, and some more, go back into the pool."""
    pool = list(cluster.get("tcpudp_port_pool") or ())
    back = {int(disk["logical_id"][2]) for disk in mirrored(disks)} | {int(port) for port in more if port}
    return {"tcpudp_port_pool": [*pool, *sorted(back - set(pool))]} if back - set(pool) else {}


@contextmanager
def create_disks(
    context: Context, instance: Object, disks: Sequence[Object], nodes: Sequence[str], *, really: bool, wait: bool
) -> Iterator[None]:
    """Make disks; the block must enter them into the configuration. If either fails they are removed again.

    Args:
        context: the opcode's.
        instance: whose disks they are or will be.
        disks: their objects.
        nodes: where they are.
        really: make them; false for an instance that is only forthcoming.
        wait: until mirrors are in step.
    """
    try:
        try:
            if really:
                context.driver.create_disks(context.view, instance, disks, context.log, wait=wait)
        finally:
            context.reservations.release_minors(*(str(disk["uuid"]) for disk in mirrored(disks)))
        yield
    except UnreachableError:
        raise  # perhaps they are in the configuration: the disks must stay
    except Exception:
        if really:
            _clear_away(context, instance, disks, nodes)
        raise


def _clear_away(context: Context, instance: Object, disks: Sequence[Object], nodes: Sequence[str]) -> None:
    try:
        context.driver.remove_disks(context.view, instance, disks, nodes, context.log)
    except DriverError as error:
        context.log(f"Warning: {error}; what was made of the disks of {instance['name']} may still be there")
