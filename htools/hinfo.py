"""hinfo: show a cluster: its size, its groups, its nodes and instances, and its score by component.

Source: man hinfo(1); the output of hinfo 3.0.2.
"""

if __name__ == "__main__":
    from htools.commandline.start import hinfo

    raise SystemExit(hinfo())

import sys
from collections.abc import Sequence

from htools.commandline.loading import Loaded, load
from htools.commandline.tool import Options, run_tool
from htools.commandline.usage import check_arguments
from htools.formatting.numbers import fixed
from htools.formatting.tables import component_table, instance_table, node_table, table
from htools.model.cluster import Model, bad_items, inhabited
from htools.model.score import score
from spec.allocator.cluster import Cluster


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _print_sizes(loaded: Loaded, verbose: int) -> None:
    model = loaded.model
    if not model.instances and verbose > 1:
        print("Cluster is empty.")
    sizes = (
        _plural(len(model.nodes), "node"),
        _plural(len(model.instances), "instance"),
        _plural(len(loaded.cluster.groups), "node group"),
    )
    print(f"Loaded {', '.join(sizes)}")
    if loaded.suffix and verbose > 2:
        print(f"Note: Stripping common suffix of '{loaded.suffix}' from names")


def _print_split_instances(model: Model, verbose: int) -> None:
    split = [
        vm
        for vm in model.instances.values()
        if vm.secondary >= 0 and model.nodes[vm.secondary].group != model.nodes[vm.primary].group
    ]
    if split:
        print("Found instances belonging to multiple node groups:")
        for vm in split:
            print(f"  {vm.name}", file=sys.stderr)
    elif verbose > 1:
        print("No split instances found")


def _print_groups(loaded: Loaded, verbose: int) -> None:
    rows, happy = [], True
    for group in inhabited(loaded.model):
        part = loaded.model.group(group)
        nodes, instances = bad_items(part)
        happy = happy and not nodes
        sizes = (len(part.nodes), len(part.instances), nodes, instances)
        value = fixed(score(part.nodes.values()), 8)
        rows.append([loaded.cluster.groups[group].name, *map(str, sizes), str(not nodes), value])
    if verbose > 1:
        header = ("Group", "Nodes", "Instances", "Bad_Nodes", "Bad_Instances", "N+1", "Score")
        text = table("  ", header, rows, (False, True, True, True, True, False, True))
        print(f"Node group information:\n{text}", end="")
    print(f"Cluster is N+1 {'happy' if happy else 'unhappy'}")


def _announce(cluster: Cluster, verbose: int) -> None:
    print(f"Loaded cluster tags: {','.join(cluster.tags)}")
    if verbose > 2:
        from htools.formatting.policy_text import show_policy

        print(f"Loaded cluster ipolicy: {show_policy(cluster.policy)}")


def body(options: Options, arguments: list[str]) -> int:
    """Run hinfo."""
    check_arguments("hinfo", arguments)
    loaded = load(options, lambda cluster: _announce(cluster, options.verbose))
    model = loaded.model
    _print_sizes(loaded, options.verbose)
    _print_split_instances(model, options.verbose)
    _print_groups(loaded, options.verbose)
    if options.print_instances:
        print("\nInstances instance map:", file=sys.stderr)
        print(instance_table(model.instances.values(), model.nodes), end="", file=sys.stderr)
    if options.print_nodes is not None:
        print("\nCluster status:", file=sys.stderr)
        print(node_table(model.nodes.values(), options.print_nodes), file=sys.stderr)
    print(f"Cluster coefficients:\n{component_table(model.nodes.values())}", end="")
    print(f"Cluster score: {fixed(score(model.nodes.values()), 8)}")
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hinfo`."""
    return run_tool("hinfo", body, words)
