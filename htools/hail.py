"""hail: answer one request of Ganeti's iallocator protocol. The argument is the request's file, the output a JSON line.

Allocations by the score are tried in vectors (`htools.placement.vector_placer`); the other requests follow the
specification itself (`spec.allocator.iallocator`), with faster functions to try candidates and to find targets
(`htools.iallocator.fast_paths`).

The answer to a request without a solution has `"success": false`, and the exit code is 0; only a request that cannot
be read ends with exit code 1.

Source: man hail(1); Ganeti's design document on the iallocator protocol; the answers of hail 3.0.2.
"""

if __name__ == "__main__":
    from htools.commandline.start import hail

    raise SystemExit(hail())

import sys
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from htools.backends.iallocator import load_request
from htools.commandline import saving
from htools.commandline.loading import inconsistencies, load
from htools.commandline.tool import Options, run_tool, stop
from htools.commandline.usage import check_arguments
from htools.formatting.tables import node_table
from htools.iallocator.allocation import answer, is_dedicated
from htools.model.cluster import Model, common_domain
from spec.allocator.cluster import Cluster
from spec.allocator.decisions import Settings
from spec.allocator.requests import (
    Allocate,
    AllocateSecondary,
    ChangeGroup,
    Evacuate,
    Limits,
    MultiAllocate,
    NewInstance,
    Relocate,
    Request,
)


def _warn(model: Model) -> None:
    warnings = inconsistencies(model)
    if warnings:
        lines = "".join(f"  - {warning}\n" for warning in warnings)
        print(f"Warning: cluster has inconsistent data:\n{lines}", file=sys.stderr)


def _print_nodes(options: Options, model: Model, title: str) -> None:
    if options.print_nodes is not None:
        print(f"\n{title} cluster status:", file=sys.stderr)
        print(node_table(model.nodes.values(), options.print_nodes, first=options.first_node), file=sys.stderr)


def _saved(cluster: Cluster, model: Model) -> Cluster:
    """Return the cluster of a model, for saving.

    A model of one group is saved as the nodes of that group, as Ganeti's hail does. Where instances have nodes in other
    groups, Ganeti's ends with an error; ours saves all nodes.
    """
    instances = tuple(vm.current() for vm in model.instances.values())
    used = {vm.primary for vm in instances} | {vm.secondary for vm in instances if vm.secondary is not None}
    kept = list(model.nodes) if used <= model.nodes.keys() else list(range(len(cluster.nodes)))
    place = {index: at for at, index in enumerate(kept)}
    nodes = tuple(model.nodes[index].reported() if index in model.nodes else cluster.nodes[index] for index in kept)
    moved = (
        replace(vm, primary=place[vm.primary], secondary=None if vm.secondary is None else place[vm.secondary])
        for vm in instances
    )
    return replace(cluster, nodes=nodes, instances=tuple(moved))


def _refuse_strangers(cluster: Cluster, request: Request) -> None:
    """Refuse a request about instances or groups that are missing in a cluster given instead of the request's own."""
    instances: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    match request:
        case Relocate() | AllocateSecondary():
            instances = (request.instance,)
        case Evacuate():
            instances = request.instances
        case ChangeGroup():
            instances, groups = request.instances, request.groups
    for kind, asked, known in (
        ("instance", instances, cluster.instances),
        ("group", groups, cluster.groups),
    ):
        beyond = [at for at in asked if at >= len(known)]
        if beyond:
            found = f"the request is about {kind} {beyond[0] + 1}, and the cluster given instead has {len(known)}"
            stop(f"{found}: ask about instances of that cluster, or leave its options out")


def _explained(options: Options, cluster: Cluster, model: Model, request: Request, limits: Limits, line: str) -> str:
    """Return the answer's line; a requested explanation is added to it or printed on standard error."""
    if options.explain is None:
        return line
    from htools.placement.explain import explain, format_explanation

    news: Sequence[NewInstance] = ()
    if isinstance(request, Allocate | MultiAllocate):
        news = (request.new,) if isinstance(request, Allocate) else request.new
    explanation = explain(model, cluster, news, limits)
    if options.json:
        return msgspec.json.encode({**msgspec.json.decode(line), "gantry": {"explanation": explanation}}).decode()
    if news:
        print(format_explanation(explanation), end="", file=sys.stderr)
    else:
        print("Only allocations are explained; the answer gives the reason for each instance.", file=sys.stderr)
    return line


def body(options: Options, arguments: list[str]) -> int:
    """Run hail."""
    check_arguments("hail", arguments)
    cluster, request = load_request(arguments[0])
    memory = options.static_kvm_node_memory
    if memory > 0 and any(node.hypervisor == "kvm" for node in cluster.nodes):
        nodes = tuple(replace(n, node_memory=memory) if n.hypervisor == "kvm" else n for n in cluster.nodes)
        cluster = replace(cluster, nodes=nodes)
    model, tags = Model.of(cluster, Settings()), cluster.tags
    suffix = common_domain([node.name for node in cluster.nodes] + [vm.name for vm in cluster.instances])
    if suffix:
        model.set_aliases(suffix)
    _warn(model)
    if options.data_file is not None or options.simulate:
        loaded = load(options)
        cluster, model = loaded.cluster, loaded.model
    elif options.mond:
        from htools.commandline import mond

        mond.apply(model, options)
    if options.verbose > 1:
        from htools.iallocator.records import cluster_record, request_record

        print(f"Received request: {request_record(request, replace(cluster, tags=tags))}", file=sys.stderr)
        if options.verbose > 2:
            print(f"Received cluster data: {cluster_record(cluster, model)}", file=sys.stderr)
        if isinstance(request, Allocate | MultiAllocate) and is_dedicated(model, cluster.groups, request):
            print("Allocation on a dedicated cluster; using lost-allocations metrics.", file=sys.stderr)
    _refuse_strangers(cluster, request)
    _print_nodes(options, model, "Initial")
    saving.save(options.save, "pre-ialloc", "before iallocator run", cluster)
    only = None if options.restrict_to_nodes is None else tuple(options.restrict_to_nodes)
    limits = Limits(ignore_soft=options.ignore_soft_errors, capacity=options.capacity, only_nodes=only)
    answered = answer(cluster, model, request, limits, tags)
    print(_explained(options, replace(cluster, tags=tags), model, request, limits, answered.line))
    sys.stdout.flush()
    _print_nodes(options, answered.model, "Final")
    if options.save is not None:
        saving.save(options.save, "post-ialloc", "after iallocator run", _saved(cluster, answered.model))
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hail`."""
    return run_tool("hail", body, words)
