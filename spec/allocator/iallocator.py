"""One request of the iallocator protocol and its answer: the definition of hail's decisions, without the texts.

Source: Ganeti's design document on the iallocator protocol; the answers of hail 3.0.2.

>>> from spec.allocator.example import GROUPS, instance, state
>>> here = Known(GROUPS, (), state(instance(0, 1), nodes=3))
>>> allocated = answer(here, Allocate(NewInstance(instance(0, 1), nodes=2)), Limits())
>>> allocated.state.instances[1].instance.nodes
(2, 1)
>>> answer(here, Relocate(instance=0, nodes=1, leave=(1,)), Limits()).nodes  # another secondary
(2,)
>>> answer(here, AllocateSecondary(0), Limits())
Traceback (most recent call last):
spec.allocator.iallocator.RequestError: Instance already has a secondary
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from spec.allocator import dedicated
from spec.allocator.accounts import remove_primary
from spec.allocator.candidates import Outcome, with_allocation
from spec.allocator.cluster import DiskTemplate, Group, Instance, MirrorType
from spec.allocator.evacuation import (
    PLAIN,
    EvacuationError,
    Report,
    Searches,
    change_group,
    evacuate_all,
)
from spec.allocator.groups import (
    GroupChoice,
    GroupReport,
    Try,
    best_group,
    is_for_one_group,
    one_group,
)
from spec.allocator.placement import NEW, NoTargets, try_all
from spec.allocator.requests import (
    Allocate,
    AllocateSecondary,
    ChangeGroup,
    Evacuate,
    EvacuationMode,
    Limits,
    MultiAllocate,
    NewInstance,
    Relocate,
    Request,
)
from spec.allocator.state import Placed, State
from spec.allocator.tags import desired_location_prefixes, exclusion_prefixes, with_prefixes
from spec.errors import GantryError


class RequestError(GantryError):
    """A request cannot be fulfilled as a whole; `reason` is Ganeti's text."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NoGroupError(RequestError):
    """No group has a solution for `instance`; `choice` holds what was tried, `by_opportunities` the metric used."""

    def __init__(self, instance: Instance, choice: GroupChoice, *, by_opportunities: bool) -> None:
        self.instance = instance
        self.choice = choice
        self.by_opportunities = by_opportunities
        super().__init__("no group has a solution")


@dataclass(frozen=True, slots=True)
class Given:
    """One new instance's placement: in the group asked for (`report`), or in the best of all (`choice`)."""

    new: NewInstance
    report: GroupReport | None
    choice: GroupChoice | None

    @property
    def outcome(self) -> Outcome | None:
        """The outcome in the chosen group."""
        return self.report.outcome if self.report else self.choice.outcome if self.choice else None


@dataclass(frozen=True, slots=True)
class Allocated:
    """Answer to allocate and multi-allocate; `by_opportunities` is the metric used."""

    given: tuple[Given, ...]
    state: State
    by_opportunities: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Answer to allocate-secondary."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Relocated:
    """Answer to relocate: the new nodes, in place of the old ones."""

    nodes: tuple[int, ...]
    state: State


Answer = Allocated | Found | Relocated | Report


def placed_new(instance: Instance, cluster_tags: Sequence[str]) -> Placed:
    """Make a new instance; the cluster's tags say which of its tags have a meaning."""
    wishes = with_prefixes(instance.tags, desired_location_prefixes(cluster_tags))
    return Placed(NEW, instance, with_prefixes(instance.tags, exclusion_prefixes(cluster_tags)), frozenset(wishes))


@dataclass(frozen=True, slots=True)
class Means:
    """How candidates are tried and targets found: as specified, or by faster functions with the same results."""

    by_score: Try = try_all
    by_opportunities: Try = dedicated.try_all
    searches: Searches = PLAIN


@dataclass(frozen=True, slots=True)
class Known:
    """What a request is about: the cluster's groups and tags, and its state.

    `wording` returns Ganeti's text for an instance without a good group, from the choice and the groups allowed;
    `means` never change an answer.
    """

    groups: Sequence[Group]
    tags: Sequence[str]
    state: State
    wording: Callable[[Instance, GroupChoice, Sequence[int]], str] = lambda *_: "no group has a solution"
    means: Means = Means()


def _group_named(groups: Sequence[Group], name: str) -> int:
    found = [index for index, group in enumerate(groups) if name in {group.name, group.uuid}]
    if len(found) != 1:
        raise RequestError(f"Wrong number of elems found with name {name}")
    return found[0]


def _give(known: Known, state: State, new: NewInstance, limits: Limits, *, by_opportunities: bool) -> Given:
    """Place one instance by the score or by lost opportunities."""
    placed = placed_new(new.instance, known.tags)
    attempt = known.means.by_opportunities if by_opportunities else known.means.by_score
    if new.group is None:
        choice = best_group(
            state, known.groups, placed, new.nodes, limits, attempt=attempt, within_group=by_opportunities
        )
        if choice.group is None:
            raise NoGroupError(new.instance, choice, by_opportunities=by_opportunities)
        return Given(new, None, choice)
    group = _group_named(known.groups, new.group)
    if known.groups[group].missing_networks(new.instance):
        name = known.groups[group].name
        text = f"The group {name} is not connected to a network required by instance {new.instance.name}"
        raise RequestError(text)
    try:
        report = one_group(state, known.groups, group, placed, new.nodes, limits=limits, attempt=attempt)
    except (NoTargets, ValueError) as error:
        raise RequestError(str(error)) from None
    return Given(new, report, None)


def _allocate(known: Known, request: Allocate | MultiAllocate, limits: Limits) -> Allocated:
    news = (request.new,) if isinstance(request, Allocate) else request.new
    if isinstance(request, Allocate) and limits.only_nodes is None:
        limits = replace(limits, only_nodes=request.restricted_to)
    name = request.new.group if isinstance(request, Allocate) else is_for_one_group(news)
    by_opportunities = dedicated.is_dedicated(known.state.nodes.values(), known.groups, name)
    state, given = known.state, []
    for new in news:
        # By opportunities a named group is tried in its first state, and after a success only the group used remains
        # in the state, as in Ganeti.
        seen = known.state if by_opportunities and new.group is not None else state
        one = _give(known, seen, new, limits, by_opportunities=by_opportunities)
        given.append(one)
        best = one.outcome.best if one.outcome else None
        if best is None:
            continue
        if by_opportunities:
            group = best.nodes[0].node.group
            nodes = {index: node for index, node in seen.nodes.items() if node.node.group == group}
            seen = State(nodes, state.instances)
        state = with_allocation(seen, best)
    return Allocated(tuple(given), state, by_opportunities)


def _secondary(known: Known, request: AllocateSecondary, limits: Limits) -> Found:
    placed = known.state.instances[request.instance]
    if placed.instance.secondary is not None:
        raise RequestError("Instance already has a secondary")
    index = placed.instance.primary
    primary = known.state.nodes[index]
    nodes = {**known.state.nodes, index: remove_primary(primary, placed)}
    mirrored = replace(placed, instance=replace(placed.instance, disk_template=DiskTemplate.DRBD))
    others = [i for i, node in nodes.items() if i != index and node.node.group == primary.node.group]
    return Found(known.means.by_score(State(nodes, known.state.instances), mirrored, [(index, others)], 2, limits))


def _relocate(known: Known, request: Relocate, limits: Limits) -> Relocated:
    if request.nodes != 1:
        raise RequestError(f"Exchange {request.nodes} nodes mode is not implemented")
    instance = known.state.instances[request.instance].instance
    if instance.mirror_type is MirrorType.NONE:
        raise RequestError("Can't relocate non-mirrored instances")
    inside = instance.mirror_type is MirrorType.INTERNAL
    left = instance.secondary if inside else instance.primary
    if request.leave != (left,):
        what = "secondary" if inside else "primary"
        difference = f"({left} versus [{','.join(map(str, request.leave))}])"
        raise RequestError(f"Unsupported request: excluded nodes not equal to instance's {what}{difference}")
    mode = EvacuationMode.SECONDARY if inside else EvacuationMode.PRIMARY
    report = evacuate_all(known.state, [request.instance], mode, limits, known.means.searches)
    if report.failed:
        raise RequestError(report.failed[0][1])
    return Relocated(report.moved[0][2][-1:], report.state)


def _change_group(known: Known, request: ChangeGroup, limits: Limits) -> Report:
    def best(state: State, position: int, allowed: Sequence[int]) -> int:
        placed = state.instances[position]
        required = 2 if placed.instance.disk_template is DiskTemplate.DRBD else 1
        choice = best_group(
            state, known.groups, placed, required, limits, allowed=allowed, attempt=known.means.by_score
        )
        if choice.group is None:
            raise EvacuationError(known.wording(placed.instance, choice, allowed))
        return choice.group

    return change_group(
        known.state, known.groups, request.groups, request.instances, best, searches=known.means.searches
    )


def answer(known: Known, request: Request, limits: Limits) -> Answer:
    """Answer a request.

    Raises:
        RequestError: the request as a whole has no solution.
    """
    match request:
        case Allocate() | MultiAllocate():
            return _allocate(known, request, limits)
        case AllocateSecondary():
            try:
                return _secondary(known, request, limits)
            except NoTargets as error:
                raise RequestError(str(error)) from None
        case Relocate():
            return _relocate(known, request, limits)
        case Evacuate():
            return evacuate_all(known.state, request.instances, request.mode, limits, known.means.searches)
        case ChangeGroup():
            return _change_group(known, request, limits)
