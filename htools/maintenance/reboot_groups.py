"""Groups of nodes that may be down at the same time, on the working model.

Two nodes may not be down together when they hold the two halves of a mirrored instance. Unless all instances are shut
down, they may not either when instances of both have their other half on the same third node, which would have to run
them all. The groups are colour classes of the graph of these pairs (networkx colours it, by several strategies; the
fewest groups win). Then groups are cut so that instances without a mirror, and with full evacuation the secondaries
too, find a place on other nodes.

Source: man hroller(1); Ganeti's design document on hroller. The colouring may differ from Ganeti's where several are
equally good; the guarantees are the same.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from htools.model.cluster import Model
from htools.model.instance import InstanceModel

if TYPE_CHECKING:  # imported only for colouring: the import takes longer than all other work of hroller
    import networkx as nx

STRATEGIES: tuple[Literal["largest_first", "DSATUR", "smallest_last"], ...] = (
    "largest_first",
    "DSATUR",
    "smallest_last",
)


class CapacityError(Exception):
    """The instances of a node find no place on other nodes."""


def conflict_graph(model: Model, chosen: Iterable[int], *, all_shut_down: bool) -> "nx.Graph[int]":
    """Return the graph of the pairs of chosen nodes that may not be down together."""
    import networkx as nx

    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(chosen)
    for vm in model.instances.values():
        if vm.mirrored and vm.primary in graph and vm.secondary in graph:
            graph.add_edge(vm.primary, vm.secondary)
    if not all_shut_down:
        for node in model.nodes.values():
            primaries = sorted({model.instances[index].primary for index in node.secondaries})
            here = [index for index in primaries if index in graph]
            graph.add_edges_from((a, b) for at, a in enumerate(here) for b in here[at + 1 :])
    return graph


def colour_classes(graph: "nx.Graph[int]") -> tuple[list[list[int]], dict[str, list[int]]]:
    """Return the fewest groups that any strategy finds, and for each strategy the sizes of its groups."""
    import networkx as nx

    best: list[list[int]] | None = None
    sizes: dict[str, list[int]] = {}
    for strategy in STRATEGIES:
        colours = nx.greedy_color(graph, strategy=strategy)
        classes: dict[int, list[int]] = {}
        for node in sorted(colours):
            classes.setdefault(colours[node], []).append(node)
        groups = [classes[colour] for colour in sorted(classes)]
        sizes[strategy] = [len(group) for group in groups]
        if best is None or len(groups) < len(best):
            best = groups
    return best or [], sizes


def _copy(model: Model) -> Model:
    return Model(dict(model.nodes), dict(model.instances))


def _primary_moved(model: Model, vm: InstanceModel, target: int) -> bool:
    """Run an instance on another node, even beyond soft limits."""
    new = model.nodes[target].copy()
    if new.add_primary(vm, force=True) is not None:
        return False
    old = model.nodes[vm.primary].copy()
    old.remove_primary(vm)
    model.nodes[new.index], model.nodes[old.index] = new, old  # of one node that counts it twice, one is taken away
    model.instances[vm.index] = vm.at(target, vm.secondary)
    return True


def _secondary_moved(model: Model, vm: InstanceModel, target: int) -> bool:
    """Mirror an instance on another node, even beyond soft limits."""
    if target in {vm.primary, vm.secondary}:
        return False
    new = model.nodes[target].copy()
    if new.add_secondary(vm, vm.primary, force=True) is not None:
        return False
    old = model.nodes[vm.secondary].copy()
    old.remove_secondary(vm)
    model.nodes[old.index], model.nodes[new.index] = old, new
    model.instances[vm.index] = vm.at(vm.primary, target)
    return True


def _lonely(model: Model, node: int) -> list[int]:
    return [index for index in model.nodes[node].primaries if not model.instances[index].mirrored]


def _mirrored_here(model: Model, node: int) -> list[int]:
    return list(model.nodes[node].secondaries)


def _emptied(
    model: Model,
    nodes: Sequence[int],
    targets: Sequence[int],
    what: Callable[[Model, int], list[int]],
    move: Callable[[Model, InstanceModel, int], bool],
) -> tuple[list[int], Model]:
    """Return the nodes that can be emptied together, chosen greedily, and the model with them empty."""
    done: list[int] = []
    left = list(targets)
    for node in nodes:
        others = [other for other in left if other != node]
        group = model.nodes[node].group
        near = [other for other in others if model.nodes[other].group == group]
        trial = _copy(model)
        if all(any(move(trial, trial.instances[i], target) for target in near) for i in what(model, node)):
            model, left = trial, others
            done.append(node)
    return done, model


def _cut(
    model: Model,
    nodes: Sequence[int],
    targets: Sequence[int],
    what: Callable[[Model, int], list[int]],
    move: Callable[[Model, InstanceModel, int], bool],
) -> list[tuple[list[int], Model]]:
    """Cut a group into groups that can each be emptied.

    Raises:
        CapacityError: a node cannot be emptied even by itself.
    """
    groups = []
    rest = list(nodes)
    while rest:
        done, after = _emptied(model, rest, targets, what, move)
        if not done:
            raise CapacityError
        groups.append((done, after))
        rest = [node for node in rest if node not in done]
    return groups


def relocate_lonely(model: Model, nodes: Sequence[int], targets: Sequence[int]) -> list[tuple[list[int], Model]]:
    """Cut a group so that its instances without a mirror find another node."""
    return _cut(model, nodes, targets, _lonely, _primary_moved)


def relocate_secondaries(model: Model, nodes: Sequence[int], targets: Sequence[int]) -> list[tuple[list[int], Model]]:
    """Cut a group so that its secondaries find another node."""
    return _cut(model, nodes, targets, _mirrored_here, _secondary_moved)


def failed_over(model: Model, nodes: Sequence[int]) -> Model:
    """Return the model with all mirrored instances of some nodes run by their secondaries.

    Raises:
        CapacityError: one of them has no room.
    """
    model = _copy(model)
    for index in [i for node in nodes for i in model.nodes[node].primaries if model.instances[i].mirrored]:
        vm = model.instances[index]
        old, new = model.nodes[vm.primary].copy(), model.nodes[vm.secondary].copy()
        old.remove_primary(vm)
        new.remove_secondary(vm)
        if new.add_primary(vm, force=True) or old.add_secondary(vm, new.index, force=True):
            raise CapacityError
        model.nodes[old.index], model.nodes[new.index] = old, new
        model.instances[index] = vm.at(new.index, old.index)
    return model
