"""The redundancy modes of hspace: for the whole cluster, for each group, or without the nodes that fail already.

Source: man hspace(1); the output of hspace 3.0.2.
"""

import sys
from dataclasses import dataclass, replace
from textwrap import fill

from htools.capacity.fill import Filled, Filler
from htools.commandline.loading import Loaded
from htools.commandline.tool import Options
from htools.formatting.haskell import show_string
from htools.formatting.tables import listed
from htools.model.cluster import Model, NodeModel
from htools.placement.outcomes import candidates
from htools.placement.redundancy import evacuable, group_redundant
from spec.allocator.cluster import AllocPolicy, Cluster, DiskTemplate, Group, Instance
from spec.allocator.requests import Limits


@dataclass(frozen=True, slots=True)
class Judged:
    """How to check redundancy: the groups with their usable policies, the limits, and whether nothing may be placed."""

    groups: tuple[Group, ...]
    limits: Limits
    stopped: bool


def judge(options: Options, cluster: Cluster, model: Model) -> Judged:
    """Return what the redundancy mode of the command line means for a cluster."""
    bad: list[NodeModel] = [node for node in model.nodes.values() if node.n1_failed and not node.offline]
    limits = Limits(capacity=options.capacity, accept_existing=options.accept_existing)
    lacking = [
        group for group in range(len(cluster.groups)) if not group_redundant(model, cluster.groups, group, limits)
    ]
    if options.verbose > 3:
        if bad:
            print(f"Bad nodes: [{','.join(show_string(node.name) for node in bad)}]", file=sys.stderr)
        if lacking:
            names = ",".join(show_string(cluster.groups[group].name) for group in lacking)
            print(f"Bad groups: [{names}]", file=sys.stderr)
    closed = set() if options.accept_existing else {node.group for node in bad}
    if options.independent_groups:
        closed |= set(lacking)
        limits = replace(limits, ignored_groups=frozenset(lacking))
    groups = tuple(
        replace(group, alloc_policy=AllocPolicy.UNALLOCABLE) if index in closed else group
        for index, group in enumerate(cluster.groups)
    )
    some_left = any(group.alloc_policy is not AllocPolicy.UNALLOCABLE for group in groups)
    stopped = bool(bad) and not options.accept_existing and not (options.independent_groups and some_left)
    return Judged(groups, limits, stopped)


_WAYS = (
    ("whichever node fails, nothing is lost (default)", False, False),
    ("the same within each group alone (--independent-groups)", True, False),
    ("nodes at fault already do not count (--accept-existing-errors)", False, True),
)


def compare_ways(options: Options, loaded: Loaded, new: Instance) -> None:
    """Print how many standard instances fit in each redundancy mode, and why the numbers differ."""
    model, cluster = loaded.model, loaded.cluster
    required = 2 if new.disk_template is DiskTemplate.DRBD else 1
    limit = None if options.max_length == -1 else options.max_length
    counts = []
    for text, independent, accept in _WAYS:
        way = options.changed(independent_groups=independent, accept_existing=accept, verbose=0)
        judged = judge(way, cluster, model)
        targets = candidates(model.nodes.values(), judged.groups, required, judged.limits, allocable=True)
        count = 0
        if not judged.stopped and targets:
            filler = Filler(judged.groups, targets, required, judged.limits)
            count = len(filler.fill(Filled({}, model), new, limit).placed)
        counts.append((text, count))
    print("Standard instances that fit, by what is asked of redundancy:")
    for text, count in counts:
        print(f"  - {count:3d}: {text}")
    if len({count for _, count in counts}) == 1:
        print("  The three agree: nothing that lacked redundancy before stands in the way.")
        return
    bad = [node.name for node in model.nodes.values() if node.n1_failed and not node.offline]
    if bad:
        print(_indented(f"Too little memory now for a failed peer's instances: {listed(bad)}."))
    for index, group in enumerate(cluster.groups):
        nodes = [node for node in model.nodes.values() if node.group == index]
        lost = [node.name for node in nodes if not evacuable(model, cluster.groups, node)]
        if lost:
            print(_indented(f"Group {group.name} has no room now for the instances of a failed {listed(lost)}."))


def _indented(text: str) -> str:
    return fill(text, 80, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
