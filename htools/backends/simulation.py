"""Simulated clusters: each specification of `--simulate` is one group of equal, empty nodes.

A specification is `policy,nodes,disk,memory,cpus[,spindles[,exclusive storage]]`; the policy may be cut to its first
letter (`a` for last_resort), sizes may have units, exclusive storage is `True` or `False`.

Source: man hspace(1) on simulation; the clusters that hspace 3.0.2 makes of specifications.
"""

from collections.abc import Callable, Sequence
from functools import partial

from htools.backends.phrases import choice_reading
from htools.errors import LoadError, quoted
from htools.formatting.haskell import parse_unit, read_int, split_on
from spec.allocator.cluster import DEFAULT_POLICY, AllocPolicy, Cluster, Group, Node

_SHORT = {"p": AllocPolicy.PREFERRED, "a": AllocPolicy.LAST_RESORT, "u": AllocPolicy.UNALLOCABLE}
_DEFAULTS = ("1", "False")
_WRONG_COUNT = (
    "Invalid cluster specification, expected 6 comma-separated sections (allocation policy, node count, disk size, "
    "memory size, number of CPUs, spindles)"
)


class _Specification:
    """The parts of one specification, with errors that begin as Ganeti's."""

    def __init__(self, text: str) -> None:
        self._source = f"--simulate {quoted(text)}"

    def error(self, reason: str, phrase: str = "", field: str | None = None) -> LoadError:
        return LoadError(self._source, reason, field=field, phrase=phrase)

    def policy(self, text: str) -> AllocPolicy:
        policy = _SHORT.get(text, text)
        if policy in AllocPolicy._value2member_map_:
            return AllocPolicy(policy)
        expected = ", ".join([*AllocPolicy, *_SHORT])
        said = f"{choice_reading(AllocPolicy, text)}; Cannot parse AllocPolicy abbreviation '{text}'"
        raise self.error(f"expected one of {expected}; found {quoted(text)}", said, "policy")

    def size(self, field: str, text: str, read: Callable[[str], int], before: str = "") -> int:
        """Read a whole number that is not negative; Ganeti's text about others begins with `before`."""
        try:
            value = read(text)
        except ValueError as error:
            raise self.error(f"expected a whole number, found {quoted(text)}", f"{before}{error}", field) from None
        if value < 0:
            raise self.error(f"expected at least 0, found {quoted(text)}", field=field)
        return value

    def flag(self, field: str, text: str) -> bool:
        if text.strip() not in {"True", "False"}:
            phrase = f"{field}: cannot parse string '{text}'"
            raise self.error(f"expected True or False, found {quoted(text)}", phrase, field)
        return text.strip() == "True"


def _group(number: int, text: str) -> tuple[Group, list[Node]]:
    said = _Specification(text)
    parts = split_on(",", text)
    if not 5 <= len(parts) <= 7:
        expected = "policy, nodes, disk, memory, cpus and perhaps spindles and exclusive storage between commas"
        raise said.error(
            f"expected {expected}, found {len(parts)} parts", f"{_WRONG_COUNT} but got {len(parts)}: '{text}'"
        )
    policy, count, disk, memory, cpus, spindles, exclusive = parts + list(_DEFAULTS[len(parts) - 5 :])
    alloc_policy = said.policy(policy)
    nodes = said.size("nodes", count, partial(read_int, "node count"))
    total_disk = said.size("disk", disk, parse_unit, "disk size: ")
    total_memory = said.size("memory", memory, parse_unit, "memory size: ")
    total_cpus = said.size("cpus", cpus, partial(read_int, "cpu count"))
    total_spindles = said.size("spindles", spindles, partial(read_int, "spindles"))
    whole = said.flag("exclusive storage", exclusive)
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
    """Return the cluster of some specifications, in the order given.

    Raises:
        LoadError: with the specification, its part and what was expected.
    """
    groups, nodes = [], []
    for number, text in enumerate(specifications, 1):
        group, members = _group(number, text)
        groups.append(group)
        nodes += members
    return Cluster(tuple(groups), tuple(nodes), (), (), DEFAULT_POLICY)
