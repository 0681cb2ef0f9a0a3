"""hscan: read clusters through the remote API or the query socket, and write each to a file in the text format.

Exit code 2 says that at least one cluster could not be read or written; the others are written all the same.

Source: man hscan(1); the output of hscan 3.0.2.
"""

if __name__ == "__main__":
    from htools.commandline.start import hscan

    raise SystemExit(hscan())

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from htools.commandline.saving import write
from htools.commandline.tool import Options, run_tool
from htools.errors import AccessError, LoadError
from htools.formatting.numbers import fixed
from htools.formatting.tables import node_table
from htools.model.cluster import Model, bad_items, common_domain
from htools.model.score import score
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Settings

_LOCAL = "LOCAL"
_HEADER = ("Nodes", "Inst", "BNode", "BInst", "t_mem", "f_mem", "t_disk", "f_disk", "Score")
_WIDTHS = (5, 5, 5, 5, 6, 6, 6, 6, 10)


def summary(model: Model) -> str:
    """Return one line of figures: sizes, bad items, memory in MiB and disk in GiB, total and free, and the score."""
    nodes = list(model.nodes.values())
    bad_nodes, bad_instances = bad_items(model)
    memory = disk = 0.0
    for node in nodes:
        memory += node.total_memory
        disk += node.total_disk
    return " ".join(
        (
            str(len(nodes)).rjust(5),
            str(len(model.instances)).rjust(5),
            str(bad_nodes).rjust(5),
            str(bad_instances).rjust(5),
            fixed(memory, 0).rjust(6),
            str(sum(node.node.free_memory for node in nodes)).rjust(6),
            fixed(disk / 1024, 0).rjust(6),
            str(sum(node.free_disk for node in nodes) // 1024).rjust(6),
            fixed(score(nodes), 8),
        )
    )


def _model(cluster: Cluster, memory: int) -> Model:
    if memory > 0:
        nodes = tuple(replace(n, node_memory=memory) if n.hypervisor == "kvm" else n for n in cluster.nodes)
        cluster = replace(cluster, nodes=nodes)
    model = Model.of(cluster, Settings())
    model.set_aliases(common_domain([node.name for node in cluster.nodes] + [vm.name for vm in cluster.instances]))
    return model


def _read(name: str | None, options: Options) -> Cluster:
    if name is None:
        from htools.backends import luxi

        return luxi.load(options.luxi or "", options.root)
    from htools.backends import rapi

    return rapi.load(name)


def _scan(name: str | None, width: int, options: Options) -> bool:
    from htools.backends import text

    shown = _LOCAL if name is None else name
    try:
        cluster = _read(name, options)
    except LoadError as error:
        if name is None and isinstance(error, AccessError):  # the socket; Ganeti expects an answer from it
            raise
        print(f"\nError for {shown}: failed to load data. Details:\n{error}")
        return False
    model = _model(cluster, options.static_kvm_node_memory)
    print(f"{shown.ljust(width)} {summary(model)}", flush=True)
    if options.print_nodes is not None:
        print(node_table(model.nodes.values(), options.print_nodes), end="")
    # Where nothing can be written, the other clusters need not be asked.
    write(os.path.join(options.output_directory, shown.replace("/", "_") + ".data"), text.dump(cluster))
    return True


def body(options: Options, arguments: list[str]) -> int:
    """Run hscan."""
    names: list[str | None] = [*arguments] or [None]
    width = max(len(name or _LOCAL) for name in names)
    if not options.no_headers:
        titles = " ".join(title.rjust(size) for title, size in zip(_HEADER, _WIDTHS, strict=True))
        print(f"{'Name'.ljust(width)} {titles}")
    done = [_scan(name, width, options) for name in names]
    sys.stdout.flush()
    return 0 if all(done) else 2


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hscan`."""
    return run_tool("hscan", body, words)
