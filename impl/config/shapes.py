"""What the control plane relies on in an object of the configuration: the types and ranges of the fields that it reads.

Every object passes here before it becomes part of the configuration. Fields that are not named may hold anything, any
field may be missing, and most may be null.

Source: Ganeti 3.0's configuration format; Ganeti's wconfd refuses objects of other types as well.

>>> check_object("nodes", {"uuid": "u1", "name": "node1", "offline": False, "ours": [1]})
>>> check_object("nodes", {"uuid": "u1", "name": 7})
Traceback (most recent call last):
impl.config.errors.ConfigurationError: the object 'u1' of nodes is none: Expected `str | null`, got `int` - at `$.name`
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from impl.config.errors import ConfigurationError
from impl.limits import MAX_NAME_LENGTH, MAX_PORT, MAX_SECONDS

Name = Annotated[str, Meta(max_length=MAX_NAME_LENGTH)] | None
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)] | None
Port = Annotated[int, Meta(ge=0, le=MAX_PORT)] | None
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)] | None
Names = list[Annotated[str, Meta(max_length=MAX_NAME_LENGTH)]] | None
Fields = dict[str, Any] | None


class _Object(msgspec.Struct):
    uuid: Name = None
    name: Name = None
    serial_no: Count = 0
    ctime: Seconds = None
    mtime: Seconds = None
    tags: Names = None


class _Node(_Object):
    group: Name = None
    primary_ip: Name = None
    secondary_ip: Name = None
    offline: bool | None = None
    drained: bool | None = None
    master_candidate: bool | None = None
    master_capable: bool | None = None
    vm_capable: bool | None = None
    ndparams: Fields = None


class _Nic(msgspec.Struct):
    uuid: Name = None
    name: Name = None
    mac: Name = None
    ip: Name = None
    network: Name = None
    nicparams: Fields = None


class _Instance(_Object):
    primary_node: Name = None
    os: Name = None
    hypervisor: Name = None
    hvparams: Fields = None
    beparams: Fields = None
    osparams: Fields = None
    admin_state: Name = None
    admin_state_source: Name = None
    disks_active: bool | None = None
    nics: list[_Nic] = []
    disks: Names = None
    disk_template: Name = None
    network_port: Port = None


class _Disk(_Object):
    dev_type: Name = None
    size: Count = None
    logical_id: list[Any] | None = None
    nodes: Names = None
    children: "list[_Disk] | None" = None
    iv_name: Name = None
    mode: Name = None
    spindles: Count = None
    params: Fields = None


class _Group(_Object):
    members: Names = None
    alloc_policy: Name = None
    ndparams: Fields = None
    diskparams: Fields = None
    ipolicy: Fields = None
    networks: Fields = None


class _Network(_Object):
    network: Name = None
    gateway: Name = None
    mac_prefix: Name = None
    reservations: str | None = None
    ext_reservations: str | None = None


class _Filter(_Object):
    priority: Count = None
    watermark: Count = None
    predicates: list[Any] | None = None
    action: str | list[Any] | None = None
    reason_trail: list[Any] | None = None


class _Cluster(_Object):
    cluster_name: Name = None
    master_node: Name = None
    mac_prefix: Name = None
    highest_used_port: Port = None
    tcpudp_port_pool: list[Annotated[int, Meta(ge=0, le=MAX_PORT)]] | None = None
    candidate_pool_size: Count = None
    max_running_jobs: Count = None
    max_tracked_jobs: Count = None
    enabled_hypervisors: Names = None
    enabled_disk_templates: Names = None
    hvparams: Fields = None
    os_hvp: Fields = None
    beparams: Fields = None
    osparams: Fields = None
    nicparams: Fields = None
    ndparams: Fields = None
    diskparams: Fields = None
    ipolicy: Fields = None


_SHAPES: dict[str, type[msgspec.Struct]] = {
    "nodes": _Node,
    "instances": _Instance,
    "disks": _Disk,
    "nodegroups": _Group,
    "networks": _Network,
    "filters": _Filter,
    "cluster": _Cluster,
}


def check_object(section: str, value: Any) -> None:
    """Check one object of a section, or the `cluster`.

    Raises:
        ConfigurationError: a field is not of its type, or beyond its range.
    """
    try:
        msgspec.convert(value, _SHAPES[section])
    except msgspec.ValidationError as error:
        named = value.get("uuid") if isinstance(value, dict) else None
        which = f"the object {named!r:.60} of {section}" if section != "cluster" else "the cluster"
        raise ConfigurationError(f"{which} is none: {error}") from None
