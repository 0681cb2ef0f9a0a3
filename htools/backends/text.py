"""The text format: sections of lines, fields between bars; read with precise errors, written as Ganeti writes it.

Sections, separated by an empty line: groups, nodes, instances, cluster tags, policies (the last may be missing).
Lines that older versions wrote lack fields at their end; those have the defaults of the tables below. Nothing is
returned unless everything could be read.

Source: man hscan(1), section on the file format; the output of `--save` of htools 3.0.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from htools.errors import LoadError, quoted
from htools.formatting.haskell import reads_float, whole_number
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

SECTIONS = ("groups", "nodes", "instances", "cluster tags", "policies")
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

LARGEST = 2**63 - 1

_Choice = TypeVar("_Choice", bound=StrEnum)


def split(text: str, separator: str) -> list[str]:
    """The parts between separators; an empty text has none."""
    return text.split(separator) if text else []


class _Line:
    """One line's fields by name, with errors that say where they stand."""

    def __init__(self, source: str, number: int, names: Sequence[str], values: Sequence[str]) -> None:
        self._source = source
        self._number = number
        self._values = dict(zip(names, values, strict=False))

    def error(self, field: str | None, reason: str) -> LoadError:
        return LoadError(self._source, reason, line=self._number, field=field)

    def text(self, field: str) -> str:
        return self._values[field]

    def integer(self, field: str) -> int:
        return self.parse_integer(field, self._values[field])

    def parse_integer(self, field: str, value: str) -> int:
        plain = value.isascii() and value.isdigit() and len(value) < 19
        number = int(value) if plain else whole_number(value)
        if number is None:
            raise self.error(field, f"expected an integer, found {quoted(value)}")
        if not -LARGEST - 1 <= number <= LARGEST:
            raise self.error(field, f"expected an integer of 64 bits, found {quoted(value)}")
        return number

    def number(self, field: str, *, finite: bool = True) -> float:
        value = self._values[field]
        found = reads_float(value)
        if found is None or found[1]:
            raise self.error(field, f"expected a number, found {quoted(value)}")
        if finite and not isfinite(found[0]):
            raise self.error(field, f"expected a number within the range of a double, found {quoted(value)}")
        return found[0]

    def flag(self, field: str) -> bool:
        value = self._values[field]
        if value not in {"Y", "N"}:
            raise self.error(field, f"expected Y or N, found {quoted(value)}")
        return value == "Y"

    def choice(self, field: str, kind: type[_Choice], value: str | None = None) -> _Choice:
        wanted = self._values[field] if value is None else value
        try:
            return kind(wanted)
        except ValueError:
            allowed = ", ".join(member.value for member in kind)
            raise self.error(field, f"expected one of {allowed}; found {quoted(wanted)}") from None

    def tuple(self, field: str) -> tuple[str, ...]:
        return tuple(split(self._values[field], ","))


def _sections(source: str, text: str) -> list[tuple[int, list[str]]]:
    """The sections as (number of the first line, lines)."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise LoadError(source, "expected four or five sections separated by an empty line, found an empty file")
    sections: list[tuple[int, list[str]]] = [(1, [])]
    for number, line in enumerate(lines, 1):
        if line:
            sections[-1][1].append(line)
        else:
            sections.append((number + 1, []))
    if len(sections) < 4:
        missing = ", ".join(SECTIONS[len(sections) : 4])
        raise LoadError(
            source,
            f"expected at least four sections separated by an empty line, found {len(sections)} (missing: {missing})",
            line=len(lines),
        )
    while len(sections) < len(SECTIONS):
        sections.append((len(lines), []))
    return sections


def _rows(
    source: str, section: tuple[int, list[str]], what: str, names: Sequence[str], defaults: Sequence[str]
) -> Iterator[_Line]:
    """The lines of a section as named fields, shorter ones filled up from the defaults."""
    least = len(names) - len(defaults)
    first, lines = section
    for number, line in enumerate(lines, first):
        values = split(line, "|")
        if len(values) < least:
            reason = f"expected at least {least} fields for {what} ({', '.join(names[:least])}), found {len(values)}"
            raise LoadError(source, reason, line=number)
        yield _Line(source, number, names, values + list(defaults[len(values) - least :]))


def _group(row: _Line) -> Group:
    return Group(
        name=row.text("name"),
        uuid=row.text("uuid"),
        alloc_policy=row.choice("alloc_policy", AllocPolicy),
        tags=row.tuple("tags"),
        networks=row.tuple("networks"),
    )


def _node(row: _Line, groups: Mapping[str, int]) -> Node:
    uuid = row.text("group_uuid")
    if uuid not in groups:
        raise row.error("group_uuid", f"expected the UUID of a group listed above, found {quoted(uuid)}")
    sizes = ("total_memory", "node_memory", "free_memory", "total_disk", "free_disk", "total_cpus")
    if any(row.text(field) == "?" for field in sizes):
        return Node(row.text("name"), groups[uuid], 0.0, 0, 0, 0.0, 0, 0.0, 0, spindles=0, offline=True)
    status = row.text("status")
    return Node(
        name=row.text("name"),
        group=groups[uuid],
        total_memory=row.number("total_memory"),
        node_memory=row.integer("node_memory"),
        free_memory=row.integer("free_memory"),
        total_disk=row.number("total_disk"),
        free_disk=row.integer("free_disk"),
        total_cpus=row.number("total_cpus"),
        node_cpus=row.integer("node_cpus"),
        cpu_speed=row.number("cpu_speed"),
        spindles=row.integer("spindles"),
        free_spindles=row.integer("free_spindles"),
        exclusive_storage=row.flag("exclusive_storage"),
        offline=status == "Y",
        master=status == "M",
        tags=row.tuple("tags"),
    )


def _instance(row: _Line, nodes: Mapping[str, int]) -> Instance:
    def node(field: str) -> int:
        name = row.text(field)
        if name not in nodes:
            raise row.error(field, f"expected the name of a node listed above, found {quoted(name)}")
        return nodes[name]

    primary = node("primary")
    secondary = node("secondary") if row.text("secondary") else None
    template = row.choice("disk_template", DiskTemplate)
    if template is DiskTemplate.DRBD and secondary is None:
        raise row.error("secondary", "expected the secondary node of a drbd instance, found none")
    if template is DiskTemplate.DRBD and secondary == primary:
        raise row.error(
            "secondary", f"expected another node than the primary, found {quoted(row.text('secondary'))} twice"
        )
    size = row.integer("disk")
    spindles = None if row.text("spindles") == "-" else row.integer("spindles")
    return Instance(
        name=row.text("name"),
        memory=row.integer("memory"),
        disk=size,
        vcpus=row.integer("vcpus"),
        status=row.choice("status", InstanceStatus),
        auto_balance=row.flag("auto_balance"),
        primary=primary,
        secondary=secondary,
        disk_template=template,
        disks=(Disk(size, spindles),),
        tags=row.tuple("tags"),
        spindle_use=row.integer("spindle_use"),
        forthcoming=row.flag("forthcoming"),
    )


def _ispec(row: _Line, field: str, text: str) -> ISpec:
    values = split(text, ",")
    if len(values) < len(ISPEC_FIELDS):
        raise row.error(field, f"expected {', '.join(ISPEC_FIELDS)} between commas, found {quoted(text)}")
    return ISpec(*(row.parse_integer(field, value) for value in values[: len(ISPEC_FIELDS)]))


def _policy(row: _Line) -> Policy:
    specs = split(row.text("bounds"), ";")
    if len(specs) % 2:
        raise row.error("bounds", f"expected pairs of smallest and largest instance, found {len(specs)} specifications")
    return Policy(
        bounds=tuple(
            Bounds(_ispec(row, "bounds", low), _ispec(row, "bounds", high))
            for low, high in zip(specs[::2], specs[1::2], strict=True)
        ),
        standard=_ispec(row, "standard", row.text("standard")),
        disk_templates=tuple(
            row.choice("disk_templates", DiskTemplate, name) for name in split(row.text("disk_templates"), ",")
        ),
        vcpu_ratio=row.number("vcpu_ratio", finite=False),
        spindle_ratio=row.number("spindle_ratio", finite=False),
    )


def parse(text: str, source: str = "text") -> Cluster:
    """Read a cluster from the text of a file.

    Args:
        text: the whole file.
        source: what errors call it.

    Raises:
        LoadError: with source, line, field and what was expected.
    """
    sections = _sections(source, text)
    groups = [_group(row) for row in _rows(source, sections[0], "a group", GROUP_FIELDS, ("",))]
    group_at = {group.uuid: index for index, group in enumerate(groups)}
    nodes = [_node(row, group_at) for row in _rows(source, sections[1], "a node", NODE_FIELDS, NODE_DEFAULTS)]
    node_at = {node.name: index for index, node in enumerate(nodes)}
    instances = [
        _instance(row, node_at) for row in _rows(source, sections[2], "an instance", INSTANCE_FIELDS, INSTANCE_DEFAULTS)
    ]
    cluster_policy = DEFAULT_POLICY
    for row in _rows(source, sections[4], "a policy", POLICY_FIELDS, ()):
        policy = _policy(row)
        owner = row.text("owner")
        if not owner:
            cluster_policy = policy
            continue
        owners = [index for index, group in enumerate(groups) if owner in {group.name, group.uuid}]
        if len(owners) != 1:
            raise row.error("owner", f"expected the name of one group or nothing, found {quoted(owner)}")
        groups[owners[0]] = replace(groups[owners[0]], policy=policy)
    return Cluster(tuple(groups), tuple(nodes), tuple(instances), tuple(sections[3][1]), cluster_policy)


def load(path: str) -> Cluster:
    """Read a cluster from a file.

    Raises:
        LoadError: the file cannot be read, or a line or field of it cannot be used.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise LoadError(path, f"cannot be read: {error.strerror}") from None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LoadError(path, f"expected UTF-8, found the byte {data[error.start]:#04x}", line=line) from None
    return parse(text, path)


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
