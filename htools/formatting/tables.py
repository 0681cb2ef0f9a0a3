"""Tables of nodes, instances and score components, as the tools print them.

Source: man hbal(1) on `--print-nodes`; the output of Ganeti's tools.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from htools.formatting.numbers import fixed, show
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.node import NodeModel
from htools.model.score import component_values
from spec.allocator.arithmetic import ratio
from spec.allocator.components import COMPONENTS

DEFAULT_FIELDS = (
    "status", "name", "tmem", "nmem", "imem", "xmem", "fmem", "umem", "rmem", "tdsk", "fdsk",
    "tcpu", "ucpu", "pcnt", "scnt", "pfmem", "pfdsk", "rcpu", "cload", "mload", "dload", "nload",
)  # fmt: skip

UNKNOWN_FIELD = "<unknown field>"


def table(indent: str, header: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[bool]) -> str:
    """Return lines of aligned columns, numeric ones to the right; each line ends with a newline."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    text = []
    for line in lines:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        text.append(f"{indent} {' '.join(cells)}\n")
    return "".join(text)


def _number(places: int, width: int) -> Callable[[float], str]:
    return lambda value: fixed(value, places).rjust(width)


def _whole(width: int) -> Callable[[int], str]:
    return lambda value: str(value).rjust(width)


def _list(values: Iterable[int]) -> str:
    return f"[{','.join(map(str, values))}]"


def _disk_fraction(node: NodeModel) -> float:
    if node.exclusive:
        return node.free_spindles / node.total_spindles if node.total_spindles else 1.0
    return node.free_disk / node.total_disk if node.total_disk else 1.0


def _status(node: NodeModel) -> str:
    return "-" if node.offline else "*" if node.n1_failed else " "


_Field = tuple[str, bool, Callable[[NodeModel], str]]


def _numbered(first: int) -> dict[str, _Field]:
    """Return the fields with numbers of nodes, where the first node has that number."""

    def peers(node: NodeModel) -> str:
        return f"[{','.join(f'({peer + first},{need})' for peer, need in node.peers)}]"

    return {"idx": ("Index", True, lambda n: _whole(4)(n.index + first)), "peermap": ("PeerMap", False, peers)}


_5 = _whole(5)
_NODE_FIELDS: dict[str, _Field] = {
    **_numbered(0),
    "name": ("Name", False, lambda n: n.alias),
    "fqdn": ("Name", False, lambda n: n.name),
    "status": ("F", False, _status),
    "tmem": ("t_mem", True, lambda n: _number(0, 5)(n.total_memory)),
    "nmem": ("n_mem", True, lambda n: _5(n.node.node_memory)),
    "xmem": ("x_mem", True, lambda n: _5(n.missing_memory)),
    "fmem": ("f_mem", True, lambda n: _5(n.node.free_memory)),
    "umem": ("u_mem", True, lambda n: _5(n.free_memory)),
    "amem": ("a_mem", True, lambda n: _5(n.available_memory)),
    "imem": ("i_mem", True, lambda n: _5(n.instance_memory)),
    "rmem": ("r_mem", True, lambda n: _5(n.reserved)),
    "tdsk": ("t_dsk", True, lambda n: _number(0, 5)(n.total_disk / 1024)),
    "fdsk": ("f_dsk", True, lambda n: _5(n.free_disk // 1024)),
    "tcpu": ("pcpu", True, lambda n: _number(0, 4)(n.total_cpus)),
    "ucpu": ("vcpu", True, lambda n: _whole(4)(n.used_cpus)),
    "pcnt": ("pcnt", True, lambda n: _whole(3)(len(n.primaries))),
    "scnt": ("scnt", True, lambda n: _whole(3)(len(n.secondaries))),
    "plist": ("primaries", True, lambda n: _list(n.primaries)),
    "slist": ("secondaries", True, lambda n: _list(n.secondaries)),
    "pfmem": ("p_fmem", True, lambda n: _number(4, 6)(ratio(n.free_memory, n.total_memory))),
    "pfdsk": ("p_fdsk", True, lambda n: _number(4, 6)(_disk_fraction(n))),
    "rcpu": ("r_cpu", True, lambda n: _number(2, 5)(ratio(n.used_cpus, n.total_cpus))),
    "cload": ("lCpu", True, lambda n: _number(3, 5)(n.load[0])),
    "mload": ("lMem", True, lambda n: _number(3, 5)(n.load[1])),
    "dload": ("lDsk", True, lambda n: _number(3, 5)(n.load[2])),
    "nload": ("lNet", True, lambda n: _number(3, 5)(n.load[3])),
    "ptags": ("PrimaryTags", False, lambda n: ",".join(f"{t}={c}" for t, c in sorted(n.tag_counts.items()))),
    "spindle_count": ("NodeSpindles", True, lambda n: str(n.total_spindles)),
    "hi_spindles": ("MaxSpindles", True, lambda n: show(n.high_spindles)),
    "inst_spindles": ("InstSpindles", True, lambda n: show(n.spindle_use)),
}


def _unknown(_: NodeModel) -> str:
    return UNKNOWN_FIELD


def node_table(nodes: Iterable[NodeModel], fields: Sequence[str], *, first: int = 0) -> str:
    """Return the node table; no fields mean the default ones, a leading `+` adds the others to those.

    `first` is the number of the first node; Ganeti numbers nodes of simulated clusters from 1.
    """
    if not fields:
        fields = DEFAULT_FIELDS
    elif fields[0] == "+":
        fields = (*DEFAULT_FIELDS, *fields[1:])
    known = _NODE_FIELDS | _numbered(first)
    columns = [known.get(field, (UNKNOWN_FIELD, False, _unknown)) for field in fields]
    rows = [[text(node) for _, _, text in columns] for node in nodes]
    return table("", [header for header, _, _ in columns], rows, [right for _, right, _ in columns])


def instance_table(instances: Iterable[InstanceModel], nodes: Mapping[int, NodeModel]) -> str:
    """Return the instance map."""
    header = (
        "F", "Name", "Pri_node", "Sec_node", "Auto_bal", "vcpu", "mem", "dsk", "lCpu", "lMem", "lDsk", "lNet",
    )  # fmt: skip
    rows = [
        [
            "R" if vm.instance.running else " ",
            vm.name,
            nodes[vm.primary].name,
            "" if vm.secondary == NO_NODE else nodes[vm.secondary].name,
            "Y" if vm.instance.auto_balance else "N",
            str(vm.instance.vcpus).rjust(3),
            str(vm.memory).rjust(5),
            str(vm.instance.disk // 1024).rjust(5),
            *(fixed(load, 3).rjust(5) for load in vm.load),
        ]
        for vm in instances
    ]
    return table("", header, rows, [False] * 5 + [True] * 7)


def component_table(nodes: Iterable[NodeModel]) -> str:
    """Return every component of the score with its value and weight."""
    rows = [
        [name, fixed(value, 8), f"x{fixed(weight, 2)}"]
        for (name, weight, _), value in zip(COMPONENTS, component_values(nodes), strict=False)
    ]
    return table("  ", ("Field", "Value", "Weight"), rows, (False, True, True))


def listed(names: Sequence[str], most: int = 8) -> str:
    """Join names by commas, or the first ones and the number of the others."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
