"""Which nodes to power off or on: the decision of hsqueeze.

Capacity is counted in multiples of the standard instance. If a node, even an offline one, lacks room for `minimal` of
them, standby nodes are powered on, in order and as few as suffice. Otherwise nodes are powered off greedily while every
node keeps room for `target` of them. Each choice is tried with balancing; in the result every instance must be on an
online node.

Source: man hsqueeze(1); Ganeti's design document on hsqueeze; the answers of hsqueeze 3.0.2.

>>> from spec.allocator.example import instance, state
>>> standard = ISpec(memory=1000, cpus=1, disk_size=1024, disk_count=1, nic_count=1, spindle_use=1)
>>> idle = state(instance(1), instance(2))
>>> decision = squeeze(idle, standard, minimal=1.0, target=2.0)
>>> decision.action.value, decision.nodes  # never the master, node 0
('offline', (1, 2))
>>> [placed.instance.primary for placed in decision.result.state.instances.values()]
[0, 0]
>>> squeeze(idle, standard, minimal=1.0, target=7.5).action.value
'nothing'
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import inf

from spec.allocator.accounts import add_primary
from spec.allocator.arithmetic import amount
from spec.allocator.balance import balance
from spec.allocator.cluster import DiskTemplate, Instance, InstanceStatus, ISpec, MirrorType
from spec.allocator.decisions import Move, Refusal, Rules
from spec.allocator.state import NodeState, Placed, State
from spec.allocator.tags import is_standby

GREEDY = Rules(min_gain=0.0, min_gain_limit=0.0)
"""Balancing accepts any gain."""


class Action(Enum):
    """What is to be done."""

    NOTHING = "nothing"
    OFFLINE = "offline"
    ONLINE = "online"


class Phase(Enum):
    """The phases of an execution; each waits for the one before."""

    DRAIN = "drain"
    MOVE = "move"
    TAG = "tag"
    POWER_OFF = "mark offline, then power off"
    POWER_ON = "power on, then mark online"


PHASES = {
    Action.NOTHING: (),
    Action.OFFLINE: (Phase.DRAIN, Phase.MOVE, Phase.TAG, Phase.POWER_OFF),
    Action.ONLINE: (Phase.POWER_ON, Phase.MOVE),
}
"""The phases of each action. Nodes are drained first, so that no new instances are placed on them.

If an execution ends before `Phase.POWER_OFF`, for any reason, the nodes are undrained: later runs would not find
drained nodes without a tag.
"""


@dataclass(frozen=True, slots=True)
class Balanced:
    """A state after balancing, and the moves that lead there, each with the state before it."""

    state: State
    moves: tuple[tuple[State, Move], ...] = ()


@dataclass(frozen=True, slots=True)
class Squeeze:
    """The decision.

    Attributes:
        action: what is to be done.
        nodes: with which nodes, in order.
        result: the state afterwards.
        enough: whether powering on gives the capacity asked for.
        offline_candidates: nodes that might be powered off, those with most primaries first.
        online_candidates: nodes that might be powered on.
    """

    action: Action
    nodes: tuple[int, ...]
    result: Balanced
    enough: bool
    offline_candidates: tuple[int, ...]
    online_candidates: tuple[int, ...]


Balancer = Callable[[State], Balanced]
"""Balances a state until nothing is gained any more."""


def balanced(state: State) -> Balanced:
    """Balance a state as `spec.allocator.balance` defines."""
    moves = []
    for step in balance(state, GREEDY, stop_at=-inf):
        moves.append((state, step.move))
        state = step.state
    return Balanced(state, tuple(moves))


def measure(standard: ISpec, factor: float) -> Placed:
    """Return an instance with `factor` times the standard memory, cores and spindles, rounded down; no disk."""
    return Placed(
        -1,
        Instance(
            name="targetInstance",
            memory=amount(factor * standard.memory),
            disk=0,
            vcpus=amount(factor * standard.cpus),
            status=InstanceStatus.RUNNING,
            auto_balance=False,
            primary=0,
            secondary=None,
            disk_template=DiskTemplate.EXT,
            spindle_use=amount(factor * standard.spindle_use),
        ),
    )


def has_room(state: State, asked: Placed) -> bool:
    """Return whether every node has room for the instance, offline ones too."""
    return all(not isinstance(add_primary(node, asked), Refusal) for node in state.nodes.values())


def all_online(state: State, *, secondaries: bool) -> bool:
    """Return whether every instance's primary is online, and every secondary if asked."""

    def online(placed: Placed) -> bool:
        nodes = placed.instance.nodes if secondaries else (placed.instance.primary,)
        return not any(state.nodes[node].node.offline for node in nodes)

    return all(online(placed) for placed in state.instances.values())


def switched(state: State, nodes: Iterable[int], *, offline: bool) -> State:
    """Return the state with some nodes offline or online."""
    changed = {
        index: replace(state.nodes[index], node=replace(state.nodes[index].node, offline=offline)) for index in nodes
    }
    return State({**state.nodes, **changed}, state.instances)


def may_go_offline(state: State, node: NodeState, *, allow_drbd: bool = False) -> bool:
    """Return whether a node might be powered off: online, not the master, and all that it holds can leave it.

    Without `allow_drbd` no mirrored instance may be on it, as in Ganeti.
    """
    if node.node.offline or node.node.master:
        return False
    templates = [state.instances[position].instance for position in node.real.primaries]
    if allow_drbd:
        return all(instance.mirror_type is not MirrorType.NONE for instance in templates)
    return not node.real.secondaries and not any(instance.uses_local_storage for instance in templates)


def offline_candidates(state: State, *, allow_drbd: bool = False) -> tuple[int, ...]:
    """Return the nodes that might be powered off, those with most primaries first, then in index order."""
    nodes = [node for node in state.nodes.values() if may_go_offline(state, node, allow_drbd=allow_drbd)]
    return tuple(node.index for node in sorted(nodes, key=lambda node: -len(node.real.primaries)))


def online_candidates(state: State) -> tuple[int, ...]:
    """Return the standby nodes: offline and with the standby tag, in index order."""
    return tuple(i for i, node in state.nodes.items() if node.node.offline and is_standby(node.node.tags))


def keeps_redundancy(before: State, after: State) -> bool:
    """Return whether every node online afterwards has memory for its largest peer, or lacked it before.

    Balancing does not ensure this, since soft limits are ignored for instances on offline nodes. Without mirrored
    instances on the nodes powered off, no node keeps more memory for others than before.
    """
    return not any(
        after.nodes[index].n1_failed and not node.n1_failed and not after.nodes[index].node.offline
        for index, node in before.nodes.items()
    )


def _suffices(result: Balanced, asked: Placed, *, secondaries: bool = False) -> bool:
    return all_online(result.state, secondaries=secondaries) and has_room(result.state, asked)


def squeeze(
    state: State,
    standard: ISpec,
    minimal: float,
    target: float,
    *,
    allow_drbd: bool = False,
    balancer: Balancer = balanced,
) -> Squeeze:
    """Decide which nodes to power off or on.

    Args:
        state: the whole cluster.
        standard: the standard instance.
        minimal: multiples of it below which nodes are powered on.
        target: multiples of it that every node keeps when others are powered off.
        allow_drbd: consider nodes with mirrored instances for powering off.
        balancer: how a state is balanced.
    """
    leaving = offline_candidates(state, allow_drbd=allow_drbd)
    standby = online_candidates(state)
    least, kept = measure(standard, minimal), measure(standard, target)
    if not has_room(state, least):
        for count in range(len(standby) + 1):
            result = balancer(switched(state, standby[:count], offline=False))
            if _suffices(result, least):
                return Squeeze(Action.ONLINE, standby[:count], result, True, leaving, standby)
        result = balancer(switched(state, standby, offline=False))
        return Squeeze(Action.ONLINE, standby, result, False, leaving, standby)
    nodes: tuple[int, ...] = ()
    for node in reversed(leaving):
        result = balancer(switched(state, (node, *nodes), offline=True))
        redundant = not allow_drbd or keeps_redundancy(state, result.state)
        if redundant and _suffices(result, kept, secondaries=allow_drbd):
            nodes = (node, *nodes)
    if not nodes:
        return Squeeze(Action.NOTHING, (), Balanced(state), True, leaving, standby)
    return Squeeze(Action.OFFLINE, nodes, balancer(switched(state, nodes, offline=True)), True, leaving, standby)


def involved(before: State, after: State, move: Move) -> tuple[int, ...]:
    """Return the nodes that a move touches: new primary and secondary, then the old ones, each once."""
    new, old = after.instances[move.instance].instance, before.instances[move.instance].instance
    nodes = [new.primary, *([] if new.secondary is None else [new.secondary]), *old.nodes]
    return tuple(dict.fromkeys(nodes))


def job_sets(moves: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Cut a sequence of moves into sets that may run at the same time, seen from the end.

    Args:
        moves: for each move the nodes it touches, in the order of the plan.

    Returns:
        Positions in `moves`; a set begins where a move touches a node of the set after it.
    """
    sets: list[list[int]] = []
    busy: set[int] = set()
    for position in reversed(range(len(moves))):
        if sets and busy.isdisjoint(moves[position]):
            sets[0].insert(0, position)
            busy |= set(moves[position])
        else:
            sets.insert(0, [position])
            busy = set(moves[position])
    return tuple(map(tuple, sets))
