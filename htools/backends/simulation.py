"""Imagined clusters: each specification of `--simulate` is one group of equal, empty nodes.

A specification is `policy,nodes,disk,memory,cpus[,spindles[,exclusive storage]]`; the policy may be cut to its first
letter (`a` for last_resort), sizes may have units, exclusive storage is `True` or `False`.

Source: man hspace(1) on simulation; the clusters that hspace 3.0.2 makes of specifications.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from htools.errors import LoadError
from htools.formatting.haskell import parse_unit, read_int, split_on
from spec.allocator.cluster import DEFAULT_POLICY, AllocPolicy, Cluster, Group, Node

_SHORT = {"p": AllocPolicy.PREFERRED, "a": AllocPolicy.LAST_RESORT, "u": AllocPolicy.UNALLOCABLE}
_DEFAULTS = ("1", "False")

_T = TypeVar("_T")


def _field(source: str, field: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except ValueError as error:
        raise LoadError(source, str(error), field=field) from None


def _policy(text: str) -> AllocPolicy:
    if text in _SHORT:
        return _SHORT[text]
    try:
        return AllocPolicy(text)
    except ValueError:
        expected = ", ".join([*AllocPolicy, *_SHORT])
        raise ValueError(f"expected one of {expected}; found '{text}'") from None


def _flag(text: str) -> bool:
    if text.strip() not in {"True", "False"}:
        raise ValueError(f"expected True or False, found '{text}'")
    return text.strip() == "True"


def _size(text: str, least: int, read: Callable[[str], int]) -> int:
    value = read(text)
    if value < least:
        raise ValueError(f"expected at least {least}, found '{text}'")
    return value


def _group(number: int, text: str) -> tuple[Group, list[Node]]:
    source = f"--simulate '{text}'"
    parts = split_on(",", text)
    if not 5 <= len(parts) <= 7:
        expected = "policy, nodes, disk, memory, cpus and perhaps spindles and exclusive storage between commas"
        raise LoadError(source, f"expected {expected}, found {len(parts)} parts")
    policy, count, disk, memory, cpus, spindles, exclusive = parts + list(_DEFAULTS[len(parts) - 5 :])
    alloc_policy = _field(source, "policy", lambda: _policy(policy))
    nodes = _field(source, "nodes", lambda: _size(count, 0, lambda t: read_int("node count", t)))
    total_disk = _field(source, "disk", lambda: _size(disk, 0, parse_unit))
    total_memory = _field(source, "memory", lambda: _size(memory, 0, parse_unit))
    total_cpus = _field(source, "cpus", lambda: _size(cpus, 0, lambda t: read_int("cpu count", t)))
    total_spindles = _field(source, "spindles", lambda: _size(spindles, 0, lambda t: read_int("spindles", t)))
    whole = _field(source, "exclusive storage", lambda: _flag(exclusive))
    group = Group(f"group-{number:02d}", f"fake-uuid-{number:02d}", alloc_policy)
    return group, [
        Node(
            name=f"node-{number:02d}-{index:03d}",
            group=number - 1,
            total_memory=float(total_memory),
            node_memory=0,
            free_memory=total_memory,
            total_disk=float(total_disk),
            free_disk=total_disk,
            total_cpus=float(total_cpus),
            node_cpus=1,
            spindles=total_spindles,
            free_spindles=0,
            exclusive_storage=whole,
            master=number == 1 and index == 1,
        )
        for index in range(1, nodes + 1)
    ]


def load(specifications: Sequence[str]) -> Cluster:
    """The cluster of some specifications, in the order given.

    Raises:
        LoadError: with the specification, its part and what was expected.
    """
    groups, nodes = [], []
    for number, text in enumerate(specifications, 1):
        group, members = _group(number, text)
        groups.append(group)
        nodes += members
    return Cluster(tuple(groups), tuple(nodes), (), (), DEFAULT_POLICY)
