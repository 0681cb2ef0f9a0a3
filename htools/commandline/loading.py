"""Make a cluster and a working model from the options: backend, utilisation, names, warnings.

Shared by all tools. The backends read; this module combines what they read with the options.

Source: man pages of the tools; the messages of Ganeti's programs.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from htools.commandline.tool import Options
from htools.commandline.usage import NoSourceError, check_sources
from htools.errors import AccessError, Doing, LoadError, quoted
from htools.model.cluster import Model, NodeModel, common_domain
from spec.allocator.cluster import Cluster, Utilisation
from spec.allocator.decisions import Rules, Settings
from spec.errors import GantryError


class SelectionError(GantryError):
    """A name on the command line is unknown in the cluster; `names` are the unknown ones."""

    def __init__(self, names: Sequence[str], text: str) -> None:
        self.names = tuple(names)
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The input of a tool.

    Attributes:
        cluster: as read, with the utilisation of the command line.
        model: its accounts, with the nodes of `-O` offline and the limits of the command line.
        suffix: domain that all names share; aliases lack it.
    """

    cluster: Cluster
    model: Model
    suffix: str


def lookup(names: Iterable[str], wanted: str) -> str | None:
    """Return the only name that is `wanted`, or begins with it and a dot; None if there is none or more than one."""
    partial = []
    for name in names:
        if name == wanted:
            return name
        if name.startswith(wanted + "."):
            partial.append(name)
    return partial[0] if len(partial) == 1 else None


class Backend(Protocol):
    """The function that every backend module has."""

    load: Callable[[str], Cluster]


def _backend(name: str) -> Backend:
    """Return a backend's module, imported at its first use."""
    return cast("Backend", importlib.import_module(f"htools.backends.{name}"))


def _from_request(options: Options) -> bool:
    """Return whether the cluster is read from an iallocator request; every other source is preferred."""
    others = options.rapi or options.simulate or options.luxi is not None or options.data_file is not None
    return options.ialloc_source is not None and not others


def _read(options: Options) -> Cluster:
    if options.rapi:
        return _backend("rapi").load(options.rapi)
    if options.luxi is not None:
        from htools.backends import luxi

        return luxi.load(options.luxi, options.root)
    if options.simulate:
        from htools.backends import simulation

        return simulation.load(options.simulate)
    if options.data_file is not None:
        return _backend("text").load(options.data_file)
    if options.ialloc_source is not None:
        return _backend("iallocator").load(options.ialloc_source)
    raise NoSourceError


def _cluster(options: Options) -> Cluster:
    """Return the cluster that the options name, with errors that begin as Ganeti's."""
    try:
        return _read(options)
    except AccessError as error:
        if error.doing is Doing.READ and not _from_request(options):
            raise
        raise GantryError(f"failed to load data, aborting: {error}") from error
    except LoadError as error:
        before = "" if _from_request(options) else "failed to load data, aborting: "
        raise GantryError(f"{before}{error}") from error


def _utilisation(path: str) -> list[tuple[str, Utilisation]]:
    from htools.backends.files import decode_text, read_bytes
    from htools.formatting.haskell import read_float

    lines = decode_text(path, read_bytes(path)).split("\n")
    if lines[-1] == "":
        lines.pop()
    found = []
    for number, line in enumerate(lines, 1):
        words = line.split(" ") if line else []
        expected = "expected a name and four numbers (cpu, memory, disk, network)"
        if len(words) != 5:
            phrase = f"can't parse utilisation data: Cannot parse line {line}"
            raise LoadError(path, f"{expected}, found {quoted(line)}", line=number, phrase=phrase)
        try:
            cpu, memory, disk, network = (read_float(words[0], word) for word in words[1:])
        except ValueError as error:
            phrase = f"can't parse utilisation data: {error}"
            raise LoadError(path, f"{expected}, found {quoted(line)}", line=number, phrase=phrase) from None
        found.append((words[0], Utilisation(cpu, memory, disk, network)))
    return found


def _with_utilisation(
    cluster: Cluster, options: Options, loads: Sequence[tuple[str, Utilisation]], suffix: str = ""
) -> Cluster:
    """Return the cluster with the loads of the command line; names may lack `suffix`."""
    if options.ignore_dynu:
        nothing = Utilisation(0.0, 0.0, 0.0, 0.0)
        return replace(cluster, instances=tuple(replace(vm, utilisation=nothing) for vm in cluster.instances))
    if not loads:
        return cluster
    named: dict[str, list[int]] = {}
    for index, vm in enumerate(cluster.instances):
        for name in {vm.name, vm.name.removesuffix(suffix)}:
            named.setdefault(name, []).append(index)
    instances = list(cluster.instances)
    for name, load in loads:
        owners = named.get(name, [])
        if len(owners) == 1:  # unknown instances are skipped
            instances[owners[0]] = replace(instances[owners[0]], utilisation=load)
    return replace(cluster, instances=tuple(instances))


def _fixed(cluster: Cluster, options: Options) -> frozenset[int]:
    """Return the instances that must not move, by the command line."""
    if not options.select_instances and not options.exclude_instances:
        return frozenset()
    names = [vm.name for vm in cluster.instances]
    found = {word: lookup(names, word) for word in (*options.select_instances, *options.exclude_instances)}
    unknown = [word for word in (*options.select_instances, *options.exclude_instances) if found[word] is None]
    if unknown:
        from htools.formatting.haskell import show_string

        listed = ",".join(show_string(word) for word in unknown)
        raise SelectionError(unknown, f"failed to load data, aborting: Unknown instance(s): [{listed}]")
    selected = {found[word] for word in options.select_instances}
    excluded = {found[word] for word in options.exclude_instances}
    return frozenset(
        index for index, name in enumerate(names) if name in excluded or (selected and name not in selected)
    )


def _with_node_memory(cluster: Cluster, memory: int) -> Cluster:
    """Return the cluster with a fixed size for the memory that KVM nodes themselves use."""
    if memory <= 0 or not any(node.hypervisor == "kvm" for node in cluster.nodes):
        return cluster
    nodes = tuple(replace(n, node_memory=memory) if n.hypervisor == "kvm" else n for n in cluster.nodes)
    return replace(cluster, nodes=nodes)


def inconsistencies(model: Model) -> list[str]:
    """Return warnings about nodes with less free memory or disk than their instances explain, last node first."""
    found = []
    for node in model.nodes.values():
        placed = (*node.primaries, *node.secondaries)
        used = sum(model.instances[index].instance.disk for index in placed)
        disk = int(node.total_disk) - node.free_disk - used
        if node.missing_memory > 512 or disk > 1024:
            found.append(f"node {node.name} is missing {node.missing_memory} MB ram and {disk // 1024} GB disk")
    return found[::-1]


def _set_offline(nodes: Iterable[NodeModel], wanted: Sequence[str]) -> None:
    nodes = list(nodes)
    names = [node.name for node in nodes]
    found = {word: lookup(names, word) for word in wanted}
    wrong = [word for word, name in found.items() if name is None]
    if wrong:
        raise SelectionError(wrong, f"wrong node name(s) set as offline: {','.join(wrong)}\n")
    chosen = set(found.values())
    for node in nodes:
        if node.name in chosen:
            node.offline = True


def _warn(model: Model) -> None:
    warnings = inconsistencies(model)
    if warnings:
        lines = "".join(f"  - {warning}\n" for warning in warnings)
        print(f"Warning: cluster has inconsistent data:\n{lines}", file=sys.stderr)


def load(options: Options, announce: Callable[[Cluster], None] | None = None) -> Loaded:
    """Read a cluster by the options, warn about inconsistencies, and apply further options.

    Args:
        options: the command line's.
        announce: called with the cluster once it is read, before nodes that the options name are looked for.

    Raises:
        AccessError: a file cannot be read, in a case that Ganeti does not handle.
        GantryError: the data cannot be used.
        SelectionError: a name that the options give is unknown.
    """
    check_sources(options)
    earlier: Model | None = None
    loads = _utilisation(options.dynu_file) if options.dynu_file is not None else []
    cluster = _cluster(options)
    suffix = common_domain([node.name for node in cluster.nodes] + [vm.name for vm in cluster.instances])
    if _from_request(options):
        earlier = Model.of(cluster, Settings())
        _warn(earlier)
        cluster = _with_utilisation(cluster, options, loads, suffix)
    else:
        cluster = _with_utilisation(cluster, options, loads)
    cluster = _with_node_memory(cluster, options.static_kvm_node_memory)
    settings = Settings(
        exclusion_prefixes=tuple(f"{prefix}:" for prefix in options.exclusion_tags or ()),
        fixed=_fixed(cluster, options),
        disk_reserve=options.min_disk,
        vcpu_ratio=options.max_cpu,
    )
    model = Model.of(cluster, settings, earlier=earlier)
    if suffix:
        model.set_aliases(suffix)
    if options.mond:
        from htools.commandline import mond

        mond.apply(model, options)
    if options.verbose != 0:
        _warn(model)
    if announce is not None:
        announce(cluster)
    _set_offline(model.nodes.values(), options.offline)
    return Loaded(cluster, model, suffix)


def rules_of(options: Options) -> Rules:
    """Return the rules that the command line sets."""
    return Rules(
        disk_moves=options.disk_moves,
        instance_moves=options.instance_moves,
        restricted_migration=options.restricted_migration,
        evacuation=options.evac_mode,
        ignore_soft=options.ignore_soft_errors,
        min_gain=options.min_gain,
        min_gain_limit=options.min_gain_limit,
    )
