"""The iallocator backend: requests that Ganeti writes for allocators, each with the whole cluster in it.

`load` reads the cluster alone (`-I`), `load_request` also what is asked (hail). Everything is read before anything is
returned; every error names the object, the key and what was expected. JSON objects that name something twice are
refused, as nobody can tell which of the two is meant.

Source: Ganeti's design document on the iallocator protocol; the requests that hail 3.0.2 accepts and refuses.
"""

import sys
from collections.abc import Callable, Mapping

from htools.backends.jsonfields import Fields, decode, disks_of, policy_of, whole
from htools.errors import LoadError
from spec.allocator.cluster import (
    DEFAULT_POLICY,
    AllocPolicy,
    Cluster,
    DiskTemplate,
    Group,
    Hypervisor,
    Instance,
    InstanceStatus,
    Nic,
    Node,
)
from spec.allocator.requests import (
    Allocate,
    AllocateSecondary,
    ChangeGroup,
    Evacuate,
    EvacuationMode,
    MultiAllocate,
    NewInstance,
    Relocate,
    Request,
)

_NIC_MODES = (None, "bridged", "routed", "openvswitch")
_STATUS = {"down": InstanceStatus.ADMIN_DOWN, "offline": InstanceStatus.ADMIN_OFFLINE}
_EACH_HAS = (("nodegroups", b'"alloc_policy"'), ("nodes", b'"ndparams"'), ("instances", b'"disk_space_total"'))
"""Collections of named objects, and a key that each of their objects has once."""


class _Object(dict[str, object]):
    """A JSON object that remembers one of the names it was given twice."""

    def __init__(self, items: list[tuple[str, object]]) -> None:
        super().__init__(items)
        names = [name for name, _ in items]
        self.twice = None if len(self) == len(items) else next(name for name in names if names.count(name) > 1)


def _refuse_twins(source: str, data: bytes, message: Mapping[str, object]) -> None:
    """Refuse objects with the same name twice, which a decoded message no longer shows.

    The keys are counted in the text first, which costs little; only when the figures disagree is it read again.
    """
    known = sum(len(part) for name, _ in _EACH_HAS if isinstance(part := message.get(name), dict))
    if sum(data.count(key) for _, key in _EACH_HAS) <= known:
        return
    import json

    try:
        again = json.loads(data, object_pairs_hook=_Object)
    except RecursionError:
        raise LoadError(source, "expected JSON nested less deeply") from None
    for name, _ in _EACH_HAS:
        part = again.get(name)
        if isinstance(part, _Object) and part.twice is not None:
            raise LoadError(source, f"expected every name in '{name}' once, found '{part.twice}' twice", field=name)


def _group(source: str, uuid: str, value: object) -> Group:
    fields = Fields.of(source, f"group '{uuid}'", value)
    return Group(
        name=fields.text("name"),
        uuid=uuid,
        alloc_policy=fields.choice("alloc_policy", AllocPolicy),
        networks=fields.texts("networks"),
        policy=policy_of(fields, "ipolicy"),
        tags=fields.texts("tags"),
    )


def _node(source: str, name: str, value: object, groups: Mapping[str, int], hypervisor: str | None) -> Node:
    fields = Fields.of(source, f"node '{name}'", value)
    offline, drained = fields.flag("offline"), fields.flag("drained")
    vm_capable = fields.flag("vm_capable") if fields.has("vm_capable") else True
    group = fields.place("group", groups, "group")
    parameters = fields.inner("ndparams")
    exclusive = parameters.flag("exclusive_storage")
    live = not offline and vm_capable
    spindles = 0 if exclusive else parameters.integer("spindle_count")
    if exclusive and live:
        spindles = fields.integer("total_spindles")
    return Node(
        name=name,
        group=group,
        total_memory=fields.number("total_memory") if live else 0.0,
        node_memory=fields.integer("reserved_memory") if live else 0,
        free_memory=fields.integer("free_memory") if live else 0,
        total_disk=fields.number("total_disk") if live else 0.0,
        free_disk=fields.integer("free_disk") if live else 0,
        total_cpus=fields.number("total_cpus") if live else 0.0,
        node_cpus=fields.integer("reserved_cpus") if live else 0,
        spindles=spindles,
        free_spindles=fields.integer("free_spindles") if live else 0,
        exclusive_storage=exclusive,
        offline=not live or drained,
        drained=drained,
        vm_capable=vm_capable,
        tags=fields.texts("tags") if fields.has("tags") else (),
        hypervisor=hypervisor,
    )


def _nic(fields: Fields, value: object) -> Nic:
    if not isinstance(value, dict):
        raise fields.error("nics", "a list of JSON objects")
    texts = {}
    for key in ("mac", "ip", "mode", "link", "bridge", "network"):
        text = value.get(key)
        if text is not None and type(text) is not str:
            raise fields.error("nics", f"a string for the '{key}' of each")
        texts[key] = text
    if texts["mode"] not in _NIC_MODES:
        raise fields.error("nics", "one of bridged, routed, openvswitch for the 'mode' of each")
    return Nic(**texts)


def _instance(name: str, fields: Fields, primary: int, secondary: int | None) -> Instance:
    sizes: list[int] = []
    spindles: list[int | None] = []
    for disk in fields.items("disks"):
        size = whole(disk.get("size")) if isinstance(disk, dict) else None
        if size is None:
            raise fields.error("disks", "a list of objects with an integer 'size' of 64 bits")
        held = whole(disk.get("spindles"))
        if held is None and disk.get("spindles") is not None:
            raise fields.error("disks", "an integer of 64 bits or null for the 'spindles' of each")
        sizes.append(size)
        spindles.append(held)
    state = fields.values.get("admin_state")
    return Instance(
        name=name,
        memory=fields.integer("memory"),
        disk=fields.integer("disk_space_total"),
        vcpus=fields.integer("vcpus"),
        status=_STATUS.get(state, InstanceStatus.RUNNING) if type(state) is str else InstanceStatus.RUNNING,
        auto_balance=True,
        primary=primary,
        secondary=secondary,
        disk_template=fields.choice("disk_template", DiskTemplate),
        disks=disks_of(sizes, spindles),
        tags=fields.texts("tags"),
        spindle_use=fields.integer("spindle_use"),
        nics=tuple(_nic(fields, nic) for nic in fields.items("nics")),
        forthcoming=fields.values.get("forthcoming") is True,
    )


def _known_instance(source: str, name: str, value: object, nodes: Mapping[str, int]) -> Instance:
    fields = Fields.of(source, f"instance '{name}'", value)
    places = fields.items("nodes")
    if not places:
        raise fields.error("nodes", "at least one node")
    primary = fields.place_at("nodes", 0, nodes, "node")
    secondary = fields.place_at("nodes", 1, nodes, "node") if len(places) > 1 else None
    instance = _instance(name, fields, primary, secondary)
    if instance.disk_template is DiskTemplate.DRBD and secondary in {None, primary}:
        raise fields.error("nodes", "two different nodes for a drbd instance")
    return instance


def _domain(names: list[str]) -> str:
    """The longest suffix from a dot on that all names share."""
    first = names[0] if names else ""
    dots = (position for position, letter in enumerate(first) if letter == ".")
    return next((first[at:] for at in dots if all(name.endswith(first[at:]) for name in names)), "")


class _Places:
    """Positions of the cluster's things by all the names they go by (full, and without the common domain)."""

    def __init__(self, cluster: Cluster) -> None:
        domain = _domain([node.name for node in cluster.nodes] + [item.name for item in cluster.instances])
        cut = len(domain)

        def by_name(names: list[str]) -> dict[str, list[int]]:
            places: dict[str, list[int]] = {}
            for position, name in enumerate(names):
                for known in {name, name[: len(name) - cut]}:
                    places.setdefault(known, []).append(position)
            return places

        self.nodes = by_name([node.name for node in cluster.nodes])
        self.instances = by_name([item.name for item in cluster.instances])
        self.groups: dict[str, list[int]] = {}
        for position, group in enumerate(cluster.groups):
            for known in {group.name, group.uuid}:
                self.groups.setdefault(known, []).append(position)
        self.exact = {item.name: position for position, item in enumerate(cluster.instances)}


def _positions(fields: Fields, key: str, places: Mapping[str, list[int]], what: str) -> tuple[int, ...]:
    found = []
    for name in fields.texts(key):
        known = places.get(name, [])
        if len(known) != 1:
            raise fields.error(key, f"names of one known {what} each ('{name}' names {len(known)})")
        found.append(known[0])
    return tuple(found)


def _new(fields: Fields, group: str | None) -> NewInstance:
    name = fields.text("name")
    instance = _instance(name, fields, 0, None)
    for key in ("memory", "disk_space_total", "vcpus", "spindle_use"):
        fields.size(key)
    return NewInstance(instance, fields.integer("required_nodes"), group)


def _one_instance(fields: Fields, places: _Places) -> int:
    return fields.place("name", places.exact, "instance")


def _optional_text(fields: Fields, key: str) -> str | None:
    return fields.text(key) if fields.has(key) else None


def _allocate(fields: Fields, _: _Places) -> Request:
    restricted = fields.texts("restrict-to-nodes") if fields.has("restrict-to-nodes") else None
    return Allocate(_new(fields, _optional_text(fields, "group_name")), restricted)


def _multi_allocate(fields: Fields, _: _Places) -> Request:
    group = _optional_text(fields, "group_name")
    asked = fields.items("instances")
    return MultiAllocate(tuple(_new(fields.item("instances", at), group) for at in range(len(asked))))


def _relocate(fields: Fields, places: _Places) -> Request:
    leave = _positions(fields, "relocate_from", places.nodes, "node")
    return Relocate(_one_instance(fields, places), fields.integer("required_nodes"), leave)


def _evacuate(fields: Fields, places: _Places) -> Request:
    instances = _positions(fields, "instances", places.instances, "instance")
    return Evacuate(instances, fields.choice("evac_mode", EvacuationMode))


def _change_group(fields: Fields, places: _Places) -> Request:
    instances = _positions(fields, "instances", places.instances, "instance")
    return ChangeGroup(_positions(fields, "target_groups", places.groups, "group"), instances)


def _allocate_secondary(fields: Fields, places: _Places) -> Request:
    return AllocateSecondary(_one_instance(fields, places))


_TYPES: dict[str, Callable[[Fields, _Places], Request]] = {
    "allocate": _allocate,
    "multi-allocate": _multi_allocate,
    "relocate": _relocate,
    "node-evacuate": _evacuate,
    "change-group": _change_group,
    "allocate-secondary": _allocate_secondary,
}


def _cluster(source: str, message: Fields) -> Cluster:
    hypervisors = message.choices("enabled_hypervisors", Hypervisor)
    hypervisor = hypervisors[0] if hypervisors else None
    groups = tuple(_group(source, uuid, value) for uuid, value in message.inner("nodegroups").values.items())
    group_at = {group.uuid: position for position, group in enumerate(groups)}
    nodes = tuple(
        _node(source, name, value, group_at, hypervisor) for name, value in message.inner("nodes").values.items()
    )
    node_at = {node.name: position for position, node in enumerate(nodes)}
    instances = tuple(
        _known_instance(source, name, value, node_at) for name, value in message.inner("instances").values.items()
    )
    return Cluster(groups, nodes, instances, message.texts("cluster_tags"), DEFAULT_POLICY)


def parse(data: bytes, source: str = "request") -> tuple[Cluster, Request]:
    """Read a request and the cluster in it.

    Args:
        data: the JSON text.
        source: what errors call it.

    Raises:
        LoadError: with the object, the key and what was expected.
    """
    decoded = decode(source, data)
    message = Fields.of(source, "the request", decoded)
    _refuse_twins(source, data, message.values)
    asked = message.inner("request")
    cluster = _cluster(source, message)
    kind = asked.text("type")
    if kind not in _TYPES:
        raise asked.error("type", f"one of {', '.join(_TYPES)}")
    return cluster, _TYPES[kind](asked, _Places(cluster))


def load_request(path: str) -> tuple[Cluster, Request]:
    """Read a request from a file, or from standard input when the path is `-`.

    Raises:
        LoadError: it cannot be read or used.
    """
    if path == "-":
        return parse(sys.stdin.buffer.read(), "standard input")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise LoadError(path, f"cannot be read: {error.strerror}") from None
    return parse(data, path)


def load(path: str) -> Cluster:
    """Read the cluster of a request."""
    return load_request(path)[0]
