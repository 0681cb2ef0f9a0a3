"""hroller: plan the reboot of all nodes in groups that may be down together, the master last.

Source: man hroller(1); the output of hroller 3.0.2 (groups may differ where several plans are equally short).
"""

if __name__ == "__main__":
    from htools.commandline.start import hroller

    raise SystemExit(hroller())

import sys
from collections.abc import Sequence

from htools.commandline import saving
from htools.commandline.loading import load
from htools.commandline.tool import Options, run_tool, stop
from htools.commandline.usage import check_arguments
from htools.maintenance.reboot_groups import (
    CapacityError,
    colour_classes,
    conflict_graph,
    failed_over,
    relocate_lonely,
    relocate_secondaries,
)
from htools.model.cluster import Model
from htools.model.instance import NO_NODE, InstanceModel
from spec.allocator.cluster import Cluster


def _check_master(model: Model, *, force: bool) -> None:
    masters = [node.name for node in model.nodes.values() if node.node.master]
    if len(masters) > 1:
        from htools.formatting.haskell import show_string

        stop(f"Found more than one master node: [{','.join(map(show_string, masters))}]")
    if not masters:
        text = "No master node found (maybe not supported by backend)."
        if not force:
            stop(text)
        print(f"Warning: {text}", file=sys.stderr)


def _chosen(model: Model, cluster: Cluster, options: Options) -> list[int]:
    """Return the nodes to reboot: online, and selected by the command line."""
    wanted: int | None = None
    if options.group is not None:
        known = [index for index, group in enumerate(cluster.groups) if options.group in {group.name, group.uuid}]
        if len(known) != 1:
            stop("Cannot find target group.")
        wanted = known[0]
    tags = None if options.node_tags is None else set(options.node_tags)
    return [
        node.index
        for node in model.nodes.values()
        if not node.offline
        and (wanted is None or node.group == wanted)
        and (tags is None or tags & set(node.node.tags))
        and not (options.skip_non_redundant and any(not model.instances[index].mirrored for index in node.primaries))
    ]


def plan(model: Model, chosen: Sequence[int], options: Options) -> list[tuple[list[int], Model]]:
    """Return groups of nodes, each with the cluster while they are down; the largest first, the master's last."""
    graph = conflict_graph(model, chosen, all_shut_down=options.offline_maintenance)
    classes, sizes = colour_classes(graph)
    if options.verbose > 1:
        by_size = sorted(sizes.items(), key=lambda pair: len(pair[1]))
        print(" ".join(f"{name}: {len(groups)} ({','.join(map(str, groups))})" for name, groups in by_size))
    online = [node.index for node in model.nodes.values() if not node.offline]
    if options.ignore_non_redundant:
        groups = [(group, model) for group in classes]
    else:
        try:
            groups = [part for group in classes for part in relocate_lonely(model, group, online)]
        except CapacityError:
            stop("Not enough capacity to move non-redundant instances")
    if options.full_evacuation:
        try:
            groups = [(group, failed_over(after, group)) for group, after in groups]
        except CapacityError:
            stop("Failed to migrate instances off nodes")
        try:
            groups = [part for group, after in groups for part in relocate_secondaries(after, group, online)]
        except CapacityError:
            stop("Not enough capacity to move secondaries")
    groups.sort(key=lambda pair: -len(pair[0]))

    def has_master(group: Sequence[int]) -> bool:
        return any(model.nodes[index].node.master for index in group)

    ordered = [pair for pair in groups if not has_master(pair[0])] + [pair for pair in groups if has_master(pair[0])]
    return [(sorted(group, key=lambda index: model.nodes[index].node.master), after) for group, after in ordered]


def _moved(before: InstanceModel, after: InstanceModel) -> bool:
    """Return whether an instance is on other nodes; exchanged roles of its two nodes do not count."""
    if (before.primary, before.secondary) == (after.secondary, after.primary):
        return False
    return before.primary != after.primary or (before.mirrored and before.secondary != after.secondary)


def _print_moves(before: Model, after: Model) -> None:
    for index, vm in before.instances.items():
        new = after.instances[index]
        if _moved(vm, new):
            secondary = f" {after.nodes[new.secondary].name}" if vm.mirrored and new.secondary != NO_NODE else ""
            print(f"  {vm.name} {after.nodes[new.primary].name}{secondary}")


def body(options: Options, arguments: list[str]) -> int:
    """Run hroller."""
    check_arguments("hroller", arguments)
    loaded = load(options)
    model = loaded.model
    _check_master(model, force=options.force)
    saving.save(options.save, "original", "before hroller run", loaded.cluster)
    chosen = _chosen(model, loaded.cluster, options)
    if not chosen:
        stop("Cannot create node graph")
    groups = plan(model, chosen, options)
    if not options.no_headers:
        print("'First Reboot Group'" if options.one_step_only else "'Node Reboot Groups'")
    for group, after in groups[: 1 if options.one_step_only else None]:
        names = [model.nodes[index].name for index in group]
        print("\n".join(names) if options.one_step_only else ",".join(names))
        if options.print_moves:
            _print_moves(model, after)
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hroller`."""
    return run_tool("hroller", body, words)
