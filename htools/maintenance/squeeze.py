"""Which nodes to power off or on, on the working model: the fast twin of `spec.allocator.squeeze`.

A set of nodes is refused without balancing where the sums of the other nodes show that the instances and the required
room cannot fit. A set whose outcome is proven (`htools.maintenance.squeeze_proof`) is accepted without balancing. All
others are balanced and checked, as specified.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from htools.balance.rounds import balance
from htools.maintenance.squeeze_proof import surely_suffices
from htools.model.cluster import Model, NodeModel
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.moves import Planned
from htools.model.score import score
from spec.allocator.arithmetic import amount
from spec.allocator.cluster import DiskTemplate, Instance, InstanceStatus, ISpec, MirrorType
from spec.allocator.decisions import Rules
from spec.allocator.tags import is_standby

GREEDY = Rules(min_gain=0.0, min_gain_limit=0.0)
"""Balancing accepts any gain."""


@dataclass(frozen=True, slots=True)
class Squeeze:
    """The decision.

    Attributes:
        action: `offline`, `online` or `nothing`.
        nodes: the nodes to switch, in order.
        model: the cluster afterwards.
        moves: the moves that balance it.
        enough: whether powering on gives the required capacity.
        leaving: nodes that might be powered off, those with most primaries first.
        standby: nodes that might be powered on.
    """

    action: str
    nodes: tuple[int, ...]
    model: Model
    moves: tuple[Planned, ...]
    enough: bool
    leaving: tuple[int, ...]
    standby: tuple[int, ...]


def measure(standard: ISpec, factor: float) -> InstanceModel:
    """Return an instance of the size of so many standard ones, rounded down; it has no disk."""
    return InstanceModel(
        NO_NODE,
        Instance(
            name="targetInstance",
            memory=amount(factor * standard.memory),
            disk=0,
            vcpus=amount(factor * standard.cpus),
            status=InstanceStatus.RUNNING,
            auto_balance=False,
            primary=NO_NODE,
            secondary=None,
            disk_template=DiskTemplate.EXT,
            spindle_use=amount(factor * standard.spindle_use),
        ),
    )


def has_room(model: Model, asked: InstanceModel) -> bool:
    """Return whether every node, even an offline one, has room for the instance."""
    return all(node.primary_refusal(asked, force=False) is None for node in model.nodes.values())


def _all_online(model: Model, *, secondaries: bool) -> bool:
    nodes = model.nodes
    return not any(
        nodes[vm.primary].offline or (secondaries and vm.mirrored and nodes[vm.secondary].offline)
        for vm in model.instances.values()
    )


def _keeps_redundancy(before: Model, after: Model) -> bool:
    """Return whether every node online afterwards passes N+1, or failed it before."""
    nodes = before.nodes
    return not any(
        node.n1_failed and not node.offline and not nodes[index].n1_failed for index, node in after.nodes.items()
    )


def _balanced(model: Model, nodes: Iterable[int], *, offline: bool) -> tuple[Model, tuple[Planned, ...]]:
    """Return a balanced copy with some nodes switched, and the moves."""
    after = model.copy()
    for index in nodes:
        after.nodes[index].offline = offline
    moves = tuple(balance(after, GREEDY, score(after.nodes.values()), stop_at=-inf))
    return after, moves


def _may_leave(model: Model, node: NodeModel, *, allow_drbd: bool) -> bool:
    if node.offline or node.node.master:
        return False
    vms = [model.instances[index] for index in node.primaries]
    if allow_drbd:
        return all(vm.instance.mirror_type is not MirrorType.NONE for vm in vms)
    return not node.secondaries and not any(vm.local for vm in vms)


def _hopeless(model: Model, leaving: Sequence[int], asked: InstanceModel) -> bool:
    """Return whether the sums of the remaining nodes show that instances and required room cannot fit."""
    gone = set(leaving)
    stay = [node for node in model.nodes.values() if not node.offline and node.index not in gone]
    used = sum(node.instance_memory for node in model.nodes.values())
    room = sum(node.usable_memory - asked.used_memory for node in stay)
    return used >= room + 1


def squeeze(model: Model, standard: ISpec, minimal: float, target: float, *, allow_drbd: bool = False) -> Squeeze:
    """Choose the nodes; the arguments are those of `spec.allocator.squeeze.squeeze`."""
    may_leave = [node for node in model.nodes.values() if _may_leave(model, node, allow_drbd=allow_drbd)]
    leaving = tuple(node.index for node in sorted(may_leave, key=lambda node: -len(node.primaries)))
    standby = tuple(i for i, node in model.nodes.items() if node.offline and is_standby(node.node.tags))
    least, kept = measure(standard, minimal), measure(standard, target)
    if not has_room(model, least):
        for count in range(len(standby) + 1):
            after, moves = _balanced(model, standby[:count], offline=False)
            if _all_online(after, secondaries=False) and has_room(after, least):
                return Squeeze("online", standby[:count], after, moves, True, leaving, standby)
        after, moves = _balanced(model, standby, offline=False)
        return Squeeze("online", standby, after, moves, False, leaving, standby)
    nodes: tuple[int, ...] = ()
    best: tuple[Model, tuple[Planned, ...]] | None = (model, ())
    for node in reversed(leaving):
        tried = (node, *nodes)
        if _hopeless(model, tried, kept):
            continue
        if surely_suffices(model, tried, kept):
            nodes, best = tried, None
            continue
        found = _balanced(model, tried, offline=True)
        redundant = not allow_drbd or _keeps_redundancy(model, found[0])
        if redundant and _all_online(found[0], secondaries=allow_drbd) and has_room(found[0], kept):
            nodes, best = tried, found
    best = best or _balanced(model, nodes, offline=True)
    action = "offline" if nodes else "nothing"
    return Squeeze(action, nodes, best[0], best[1], True, leaving, standby)
