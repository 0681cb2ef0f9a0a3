"""The iallocator backend: requests that Ganeti writes for allocators, each with the whole cluster in it.

`load` reads the cluster alone (`-I`), `load_request` also the request (hail). Everything is read before anything is
returned; every error names the object, the key and what was expected. JSON objects with the same name twice are
refused, since it is unknown which of the two is meant.

Source: Ganeti's design document on the iallocator protocol; the requests that hail 3.0.2 accepts and refuses.
"""

import sys
from collections.abc import Callable, Mapping

from htools.backends.files import read_bytes
from htools.backends.jsonfields import Fields, decode, no_json_of, policy_of, whole
from htools.backends.phrases import NOT_AN_OBJECT, encoded, letters, reading
from htools.errors import LoadError
from spec.allocator.cluster import (
    DEFAULT_POLICY,
    AllocPolicy,
    Cluster,
    Disk,
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
"""Collections of named objects, and a key that each object has exactly once."""


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
    fields = Fields.of(source, f"group '{uuid}'", value, f"invalid data for group '{uuid}': ")
    return Group(
        name=fields.text("name"),
        uuid=uuid,
        alloc_policy=fields.choice("alloc_policy", AllocPolicy),
        networks=fields.texts("networks"),
        policy=policy_of(fields, "ipolicy"),
        tags=fields.texts("tags"),
    )


def _node(source: str, name: str, value: object, groups: Mapping[str, int], hypervisor: str | None) -> Node:
    fields = Fields.of(source, f"node '{name}'", value, f"invalid data for node '{name}': ")
    offline, drained = fields.flag("offline"), fields.flag("drained")
    group = fields.place("group", groups, "group", lambda group: f"Unknown group '{group}' for node {name}")
    vm_capable = fields.flag("vm_capable") if fields.has("vm_capable") else True
    parameters = fields.inner("ndparams", NOT_AN_OBJECT)
    tags = fields.bare.texts("tags") if fields.has("tags") else ()
    exclusive = parameters.flag("exclusive_storage")
    live = not offline and vm_capable
    spindles = 0 if exclusive else parameters.integer("spindle_count")
    if exclusive and live:
        spindles = fields.integer("total_spindles")
    return Node(
        name=name,
        group=group,
        free_spindles=fields.integer("free_spindles") if live else 0,
        total_memory=fields.number("total_memory") if live else 0.0,
        node_memory=fields.integer("reserved_memory") if live else 0,
        free_memory=fields.integer("free_memory") if live else 0,
        total_disk=fields.number("total_disk") if live else 0.0,
        free_disk=fields.integer("free_disk") if live else 0,
        total_cpus=fields.number("total_cpus") if live else 0.0,
        node_cpus=fields.integer("reserved_cpus") if live else 0,
        spindles=spindles,
        exclusive_storage=exclusive,
        offline=not live or drained,
        drained=drained,
        vm_capable=vm_capable,
        tags=tags,
        hypervisor=hypervisor,
    )


def _nic(name: str, fields: Fields, value: object) -> Nic:
    if not isinstance(value, dict):
        raise fields.error("nics", "a list of JSON objects", phrase=NOT_AN_OBJECT)
    texts, wrong_mode = {}, f"invalid NIC mode in instance {name}"
    for key in ("mac", "ip", "mode", "link", "bridge", "network"):
        text = value.get(key)
        if text is not None and type(text) is not str:
            said = reading("String", text)
            phrase = f"key '{key}': {said}" if said else wrong_mode if key == "mode" else ""
            raise fields.error("nics", f"a string for the '{key}' of each", phrase=phrase)
        texts[key] = text
    if texts["mode"] not in _NIC_MODES:
        expected = "one of bridged, routed, openvswitch for the 'mode' of each"
        raise fields.error("nics", expected, phrase=wrong_mode)
    return Nic(**texts)


def _array(fields: Fields, key: str) -> list[object]:
    """Return a list of objects; Ganeti has one phrase for all values that are none."""
    value = fields.values.get(key)
    if isinstance(value, list):
        return value
    return fields.items(key, f"Invalid input, expected array but got {encoded(value)}")


def _disk(name: str, fields: Fields, value: object) -> Disk:
    if not isinstance(value, dict):
        raise fields.error("disks", "a list of JSON objects", phrase=NOT_AN_OBJECT)
    size, spindles = whole(value.get("size")), value.get("spindles")
    held = None if spindles is None else whole(spindles)
    if size is None or (held is None and spindles is not None):
        disk = Fields(fields.source, f"{fields.owner}, 'disks'", value, f"invalid data for instance '{name}': ")
        size, held = disk.integer("size"), disk.integer("spindles")
    return Disk(size, held)


def _places(name: str, fields: Fields, nodes: Mapping[str, int]) -> tuple[int, int | None]:
    """Return the primary and the secondary node of an instance."""
    places = fields.bare.items("nodes")
    if not places:
        raise fields.error("nodes", "at least one node", phrase=f"empty node list for instance {name}")

    def unknown(node: str) -> str:
        return f"Unknown node '{node}' for instance {name}"

    primary = fields.place_at("nodes", 0, nodes, "node", unknown)
    return primary, fields.place_at("nodes", 1, nodes, "node", unknown) if len(places) > 1 else None


def _instance(name: str, fields: Fields, nodes: Mapping[str, int] | None) -> Instance:
    """Return an instance; without `nodes` one that has no place yet."""
    size, disks = (
        fields.integer("disk_space_total"),
        tuple(_disk(name, fields, disk) for disk in _array(fields, "disks")),
    )
    memory, vcpus, tags = fields.integer("memory"), fields.integer("vcpus"), fields.texts("tags")
    template, spindle_use = fields.choice("disk_template", DiskTemplate), fields.integer("spindle_use")
    nics = tuple(_nic(name, fields, nic) for nic in _array(fields, "nics"))
    primary, secondary = (0, None) if nodes is None else _places(name, fields, nodes)
    state = fields.values.get("admin_state")
    return Instance(
        name=name,
        memory=memory,
        disk=size,
        vcpus=vcpus,
        status=_STATUS.get(state, InstanceStatus.RUNNING) if type(state) is str else InstanceStatus.RUNNING,
        auto_balance=True,
        primary=primary,
        secondary=secondary,
        disk_template=template,
        disks=disks,
        tags=tags,
        spindle_use=spindle_use,
        nics=nics,
        forthcoming=fields.values.get("forthcoming") is True,
    )


def _known_instance(source: str, name: str, value: object, nodes: Mapping[str, int]) -> Instance:
    fields = Fields.of(source, f"instance '{name}'", value, f"invalid data for instance '{name}': ")
    instance = _instance(name, fields, nodes)
    if instance.disk_template is DiskTemplate.DRBD and instance.secondary in {None, instance.primary}:
        raise fields.error("nodes", "two different nodes for a drbd instance")
    return instance


def _domain(names: list[str]) -> str:
    """Return the longest common suffix of all names that begins with a dot."""
    first = names[0] if names else ""
    dots = (position for position, letter in enumerate(first) if letter == ".")
    return next((first[at:] for at in dots if all(name.endswith(first[at:]) for name in names)), "")


class _Places:
    """Positions of the cluster's objects by their full names and by those without the common domain."""

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
            expected = f"names of one known {what} each ('{name}' names {len(known)})"
            raise fields.error(key, expected, phrase=f"Wrong number of elems found with name {name}")
        found.append(known[0])
    return tuple(found)


def _name_and_group(fields: Fields, asked: Fields) -> tuple[str, str | None]:
    """Return a new instance's name, and the only group that the request allows."""
    return fields.text("name"), asked.bare.text("group_name") if asked.has("group_name") else None


def _new(fields: Fields, asked: Fields) -> NewInstance:
    name, group = _name_and_group(fields, asked)
    required = fields.integer("required_nodes")
    instance_fields = Fields(fields.source, fields.owner, fields.values, f"invalid data for instance '{name}': ")
    instance = _instance(name, instance_fields, None)
    for key in ("memory", "disk_space_total", "vcpus", "spindle_use"):
        fields.size(key)
    return NewInstance(instance, required, group)


def _one_instance(fields: Fields, places: _Places) -> int:
    return fields.place("name", places.exact, "instance", lambda name: f"Unknown instance '{name}'")


def _allocate(fields: Fields, _: _Places) -> Request:
    _name_and_group(fields, fields)  # their errors are reported first
    restricted = fields.bare.texts("restrict-to-nodes") if fields.has("restrict-to-nodes") else None
    return Allocate(_new(fields, fields), restricted)


def _multi_allocate(fields: Fields, _: _Places) -> Request:
    asked = fields.items("instances")
    return MultiAllocate(tuple(_new(fields.item("instances", at), fields) for at in range(len(asked))))


def _relocate(fields: Fields, places: _Places) -> Request:
    instance, required = _one_instance(fields, places), fields.integer("required_nodes")
    return Relocate(instance, required, _positions(fields, "relocate_from", places.nodes, "node"))


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
    """Return the cluster of a request; its parts are read in the order in which Ganeti reports their errors."""
    listed = message.values.get("enabled_hypervisors")
    hypervisor = listed[0] if isinstance(listed, list) and listed and type(listed[0]) is str else None
    groups = tuple(_group(source, uuid, value) for uuid, value in message.inner("nodegroups").values.items())
    group_at = {group.uuid: position for position, group in enumerate(groups)}
    nodes = tuple(
        _node(source, name, value, group_at, hypervisor) for name, value in message.inner("nodes").values.items()
    )
    node_at = {node.name: position for position, node in enumerate(nodes)}
    instances = tuple(
        _known_instance(source, name, value, node_at) for name, value in message.inner("instances").values.items()
    )
    tags = message.texts("cluster_tags")
    message.choices("enabled_hypervisors", Hypervisor)
    return Cluster(groups, nodes, instances, tags, DEFAULT_POLICY)


def parse(data: bytes, source: str = "request") -> tuple[Cluster, Request]:
    """Read a request and the cluster in it.

    Args:
        data: the JSON text.
        source: what errors call it.

    Raises:
        LoadError: with the object, the key and what was expected.
    """
    parsing = "Parsing input IAllocator message: "
    decoded = decode(source, data, parsing)
    phrase = no_json_of("JSObject", decoded, parsing)
    message = Fields.of(source, "the request", decoded, "invalid iallocator message: ", phrase)
    _refuse_twins(source, data, message.values)
    inner = message.inner("request")
    asked = Fields(source, inner.owner, inner.values, "invalid request dict: ")
    cluster = _cluster(source, message)
    kind = letters(asked.values.get("type"))
    if kind is not None and kind not in _TYPES:
        raise asked.error("type", f"one of {', '.join(_TYPES)}", phrase=f"Invalid request type '{kind}'")
    kind = asked.text("type")
    return cluster, _TYPES[kind](asked, _Places(cluster))


def load_request(path: str) -> tuple[Cluster, Request]:
    """Read a request from a file, or from standard input when the path is `-`.

    Raises:
        LoadError: it cannot be read or used.
    """
    if path == "-":
        return parse(sys.stdin.buffer.read(), "<stdin>")
    return parse(read_bytes(path), path)


def load(path: str) -> Cluster:
    """Read the cluster of a request."""
    return load_request(path)[0]
