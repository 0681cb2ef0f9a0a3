"""The text format: sections of lines, fields between bars; read with precise errors, written as Ganeti writes it.

Sections, separated by an empty line: groups, nodes, instances, cluster tags, policies (the last may be missing).
Lines that older versions wrote lack fields at their end; those have the defaults of the tables below. Nothing is
returned unless everything could be read.

Source: man hscan(1), section on the file format; the output of `--save` of htools 3.0.2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from htools.backends.files import decode_text, read_bytes
from htools.backends.lines import Line, rows, sections, split
from htools.backends.phrases import listed
from htools.errors import quoted
from htools.formatting.numbers import fixed, show
from spec.allocator.cluster import (
    DEFAULT_POLICY,
    AllocPolicy,
    Bounds,
    Cluster,
    Disk,
    DiskTemplate,
    Group,
    Instance,
    InstanceStatus,
    ISpec,
    Node,
    Policy,
)

GROUP_FIELDS = ("name", "uuid", "alloc_policy", "tags", "networks")
NODE_FIELDS = (
    "name",
    "total_memory",
    "node_memory",
    "free_memory",
    "total_disk",
    "free_disk",
    "total_cpus",
    "status",
    "group_uuid",
    "spindles",
    "tags",
    "exclusive_storage",
    "free_spindles",
    "node_cpus",
    "cpu_speed",
)
NODE_DEFAULTS = ("1", "", "N", "0", "1", "1.0")
INSTANCE_FIELDS = (
    "name",
    "memory",
    "disk",
    "vcpus",
    "status",
    "auto_balance",
    "primary",
    "secondary",
    "disk_template",
    "tags",
    "spindle_use",
    "spindles",
    "forthcoming",
)
INSTANCE_DEFAULTS = ("1", "-", "N")
POLICY_FIELDS = ("owner", "standard", "bounds", "disk_templates", "vcpu_ratio", "spindle_ratio")
ISPEC_FIELDS = ("memory", "cpus", "disk size", "disk count", "nic count", "spindle use")
_ISPEC_NAMES = ("memsize", "cpucount", "disksize", "diskcount", "niccount", "spindleuse")
"""Ganeti's names for the parts of a specification."""


def _group(row: Line) -> Group:
    return Group(
        name=row.name,
        uuid=row.text("uuid"),
        alloc_policy=row.choice("alloc_policy", AllocPolicy),
        tags=row.tuple("tags"),
        networks=row.tuple("networks"),
    )


def _node(row: Line, groups: Mapping[str, int]) -> Node:
    uuid, name = row.text("group_uuid"), row.name
    if uuid not in groups:
        reason = f"expected the UUID of a group listed above, found {quoted(uuid)}"
        raise row.error("group_uuid", reason, f"Unknown group '{uuid}' for node {name}")
    sizes = ("total_memory", "node_memory", "free_memory", "total_disk", "free_disk", "total_cpus")
    if any(row.text(field) == "?" for field in sizes):
        return Node(name, groups[uuid], 0.0, 0, 0, 0.0, 0, 0.0, 0, spindles=0, offline=True)
    status = row.text("status")
    return Node(
        name=name,
        group=groups[uuid],
        total_memory=row.number("total_memory"),
        node_memory=row.integer("node_memory"),
        free_memory=row.integer("free_memory"),
        total_disk=row.number("total_disk"),
        free_disk=row.integer("free_disk"),
        total_cpus=row.number("total_cpus"),
        node_cpus=row.integer("node_cpus"),
        spindles=row.integer("spindles"),
        cpu_speed=row.number("cpu_speed"),
        free_spindles=row.integer("free_spindles"),
        exclusive_storage=row.flag("exclusive_storage", _no_storage_flag),
        offline=status == "Y",
        master=status == "M",
        tags=row.tuple("tags"),
    )


def _place(row: Line, field: str, nodes: Mapping[str, int]) -> int:
    wanted = row.text(field)
    place = nodes.get(wanted)
    if place is None:
        reason = f"expected the name of a node listed above, found {quoted(wanted)}"
        raise row.error(field, reason, f"Unknown node '{wanted}' for instance {row.name}")
    return place


def _no_flag(row: Line, field: str) -> str:
    """Return Ganeti's text about an instance's field that is neither Y nor N."""
    return f"Invalid {field} value '{row.text(field)}' for instance {row.name}"


def _no_storage_flag(row: Line, field: str) -> str:
    """Return Ganeti's text about a node's field that is neither Y nor N."""
    return f"Invalid {field} value for node '{row.name}': {row.text(field)}"


def _instance(row: Line, nodes: Mapping[str, int]) -> Instance:
    primary = _place(row, "primary", nodes)
    secondary = _place(row, "secondary", nodes) if row.text("secondary") else None
    memory, size = row.integer("memory"), row.integer("disk")
    instance = Instance(
        name=row.name,
        memory=memory,
        disk=size,
        vcpus=row.integer("vcpus"),
        status=row.choice("status", InstanceStatus),
        auto_balance=row.flag("auto_balance", _no_flag),
        primary=primary,
        secondary=secondary,
        disk_template=row.choice("disk_template", DiskTemplate),
        spindle_use=row.integer("spindle_use"),
        disks=(Disk(size, None if row.text("spindles") == "-" else row.integer("spindles")),),
        forthcoming=row.flag("forthcoming", _no_flag),
        tags=row.tuple("tags"),
    )
    if instance.disk_template is DiskTemplate.DRBD and secondary is None:
        raise row.error("secondary", "expected the secondary node of a drbd instance, found none")
    if instance.disk_template is DiskTemplate.DRBD and secondary == primary:
        twice = row.text("secondary")
        phrase = f"Instance {row.name} has same primary and secondary node - {twice}"
        raise row.error("secondary", f"expected another node than the primary, found {quoted(twice)} twice", phrase)
    return instance


def _ispec(row: Line, field: str, text: str, name: str) -> ISpec:
    """Read a specification of sizes; `name` is Ganeti's name for it."""
    values = split(text, ",")
    if len(values) < len(ISPEC_FIELDS):
        reason = f"expected {', '.join(ISPEC_FIELDS)} between commas, found {quoted(text)}"
        raise row.error(field, reason, f"Invalid ispec data for {name}: {listed(values)}")
    return ISpec(
        *(row.parse_integer(field, value, f"{name}/{part}") for part, value in zip(_ISPEC_NAMES, values, strict=False))
    )


def _policy(row: Line) -> Policy:
    owner = row.name
    standard = _ispec(row, "standard", row.text("standard"), f"{owner}/stdspec")
    specs = split(row.text("bounds"), ";")
    if len(specs) % 2:
        reason = f"expected pairs of smallest and largest instance, found {len(specs)} specifications"
        raise row.error("bounds", reason, f"Odd number of min/max specs for {owner}")
    return Policy(
        standard=standard,
        bounds=tuple(
            Bounds(
                _ispec(row, "bounds", low, f"{owner}/minspec"),
                _ispec(row, "bounds", high, f"{owner}/maxspec"),
            )
            for low, high in zip(specs[::2], specs[1::2], strict=True)
        ),
        disk_templates=tuple(
            row.choice("disk_templates", DiskTemplate, name) for name in split(row.text("disk_templates"), ",")
        ),
        vcpu_ratio=row.number("vcpu_ratio", f"{owner}/vcpu_ratio", finite=False),
        spindle_ratio=row.number("spindle_ratio", f"{owner}/spindle_ratio", finite=False),
    )


def parse(text: str, source: str = "text") -> Cluster:
    """Read a cluster from the text of a file.

    Args:
        text: the whole file.
        source: what errors call it.

    Raises:
        LoadError: with source, line, field and what was expected.
    """
    groups_part, nodes_part, instances_part, tags_part, policies_part = sections(source, text)[:5]
    found = rows(source, groups_part, "a group", GROUP_FIELDS, ("",), "Invalid/incomplete group data")
    groups = [_group(row) for row in found]
    group_at = {group.uuid: index for index, group in enumerate(groups)}
    found = rows(source, nodes_part, "a node", NODE_FIELDS, NODE_DEFAULTS, "Invalid/incomplete node data")
    nodes = [_node(row, group_at) for row in found]
    node_at = {node.name: index for index, node in enumerate(nodes)}
    incomplete = "Invalid/incomplete instance data"
    found = rows(source, instances_part, "an instance", INSTANCE_FIELDS, INSTANCE_DEFAULTS, incomplete)
    instances = [_instance(row, node_at) for row in found]
    cluster_policy = DEFAULT_POLICY
    for row in rows(source, policies_part, "a policy", POLICY_FIELDS, (), "Invalid ipolicy data"):
        policy = _policy(row)
        owner = row.name
        if not owner:
            cluster_policy = policy
            continue
        owners = [index for index, group in enumerate(groups) if owner in {group.name, group.uuid}]
        if len(owners) != 1:
            reason = f"expected the name of one group or nothing, found {quoted(owner)}"
            raise row.error("owner", reason, f"Wrong number of elems found with name {owner}")
        groups[owners[0]] = replace(groups[owners[0]], policy=policy)
    return Cluster(tuple(groups), tuple(nodes), tuple(instances), tuple(tags_part[1]), cluster_policy)


def load(path: str) -> Cluster:
    """Read a cluster from a file.

    Raises:
        AccessError: the file cannot be read, or is not UTF-8.
        LoadError: a line or field of it cannot be used.
    """
    return parse(decode_text(path, read_bytes(path)), path)


def _dump_node(node: Node, groups: Sequence[Group]) -> str:
    status = "Y" if node.offline else "M" if node.master else "N"
    return "|".join(
        (
            node.name,
            fixed(node.total_memory, 0),
            str(node.node_memory),
            str(node.free_memory),
            fixed(node.total_disk, 0),
            str(node.free_disk),
            fixed(node.total_cpus, 0),
            status,
            groups[node.group].uuid,
            str(node.spindles),
            ",".join(node.tags),
            "Y" if node.exclusive_storage else "N",
            str(node.free_spindles),
            str(node.node_cpus),
            fixed(node.cpu_speed),
        )
    )


def _dump_instance(instance: Instance, nodes: Sequence[Node]) -> str:
    spindles = instance.total_spindles
    return "|".join(
        (
            instance.name,
            str(instance.memory),
            str(instance.disk),
            str(instance.vcpus),
            instance.status.value,
            "Y" if instance.auto_balance else "N",
            nodes[instance.primary].name,
            "" if instance.secondary is None else nodes[instance.secondary].name,
            instance.disk_template.value,
            ",".join(instance.tags),
            str(instance.spindle_use),
            "-" if spindles is None else str(spindles),
            "Y" if instance.forthcoming else "N",
        )
    )


def _dump_ispec(spec: ISpec) -> str:
    sizes = (spec.memory, spec.cpus, spec.disk_size, spec.disk_count, spec.nic_count, spec.spindle_use)
    return ",".join(map(str, sizes))


def _dump_policy(owner: str, policy: Policy) -> str:
    bounds = ";".join(_dump_ispec(spec) for pair in policy.bounds for spec in (pair.minimum, pair.maximum))
    return "|".join(
        (
            owner,
            _dump_ispec(policy.standard),
            bounds,
            ",".join(template.value for template in policy.disk_templates),
            show(policy.vcpu_ratio),
            show(policy.spindle_ratio),
        )
    )


def dump(cluster: Cluster, group: int | None = None) -> str:
    """Write a cluster as Ganeti's `--save` does, all fields of every line and all policies.

    Args:
        cluster: what to write.
        group: write only this group's nodes and the instances whose primary is among them.
    """
    groups = [
        "|".join((owner.name, owner.uuid, owner.alloc_policy.value, ",".join(owner.tags), ",".join(owner.networks)))
        for owner in cluster.groups
    ]
    chosen = [group is None or node.group == group for node in cluster.nodes]
    nodes = [_dump_node(node, cluster.groups) for node, wanted in zip(cluster.nodes, chosen, strict=True) if wanted]
    instances = [_dump_instance(vm, cluster.nodes) for vm in cluster.instances if chosen[vm.primary]]
    policies = [_dump_policy("", cluster.policy)]
    policies += [_dump_policy(owner.name, owner.policy) for owner in cluster.groups]
    sections = (groups, nodes, instances, list(cluster.tags), policies)
    return "\n".join("".join(line + "\n" for line in lines) for lines in sections)
