"""The admission rule at its edges: for each condition a node that just meets it, and one that is one short.

The figures are written by hand, not taken from the table: they say what Ganeti accepts. The definition, the working
model, placement in vectors and the explanation are asked each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from htools.balance import explain
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.model.node import NodeModel
from htools.placement.admission import MODES, Fits
from htools.placement.arrays import PlacementNodes
from spec.allocator.accounts import add_primary, add_secondary
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY
from spec.allocator.cluster import (
    DEFAULT_POLICY,
    Bounds,
    Disk,
    DiskTemplate,
    Group,
    Instance,
    InstanceStatus,
    ISpec,
    Node,
    Policy,
)
from spec.allocator.decisions import FailMode, Refusal
from spec.allocator.state import Ledger, NodeState, Placed

ANY_SIZE = (Bounds(ISpec(0, 0, 0, 0, 0, 0), ISpec(10**6, 99, 10**6, 9, 9, 99)),)


@dataclass(frozen=True)
class Edge:
    """One condition: what decides it, where it is just met, where it is not, and what the refusal is.

    Attributes:
        enough: figures of the node with which it takes the instance.
        short: figures with which it does not.
    """

    mirrors: bool
    mode: FailMode
    soft: bool
    enough: Mapping[str, Any]
    short: Mapping[str, Any]


PLENTY: dict[str, Any] = {
    "free_memory": 10**5, "free_disk": 10**5, "low_disk": 0, "free_spindles": 50, "spindle_use": 0.0, "used_cpus": 0,
    "planned_free_memory": 10**5, "planned_free_disk": 10**5, "planned_free_spindles": 50, "planned_spindle_use": 0.0,
    "planned_used_cpus": 0, "exclusive": False, "peers": (), "n1_failed": False, "tags": {}, "vcpu_ratio": 2.0,
}  # fmt: skip
"""What a node has unless an edge says otherwise: 4 cores, a policy of 8 spindle uses."""

M, D, S = FailMode.MEMORY, FailMode.DISK, FailMode.SPINDLES
EXCLUSIVE = {"exclusive": True}


def edges(name: str, mode: FailMode, *, soft: bool, **sides: Any) -> dict[str, Edge]:
    """The edge of a condition that primary and secondary share, for both."""
    return {
        f"{name}, {'mirrors' if mirrors else 'runs'}": Edge(mirrors, mode, soft, **sides) for mirrors in (False, True)
    }


EDGES: dict[str, Edge] = {
    "memory": Edge(False, M, False, {"free_memory": 1001, "n1_failed": True}, {"free_memory": 1000, "n1_failed": True}),
    "memory above the reserve": Edge(
        False, M, True, {"free_memory": 1301, "peers": ((7, 300),)}, {"free_memory": 1300, "peers": ((7, 300),)}
    ),
    "memory planned": Edge(False, M, True, {"planned_free_memory": 1001}, {"planned_free_memory": 1000}),
    "memory for fail-over": Edge(
        True, M, True, {"free_memory": 1001, "n1_failed": True}, {"free_memory": 1000, "n1_failed": True}
    ),
    "memory for fail-over planned": Edge(True, M, True, {"planned_free_memory": 1001}, {"planned_free_memory": 1000}),
    "memory for the failure of the primary": Edge(
        True, M, True, {"free_memory": 1301, "peers": ((5, 300),)}, {"free_memory": 1300, "peers": ((5, 300),)}
    ),
    "memory for the failure of another peer": Edge(
        True, M, True, {"free_memory": 4001, "peers": ((7, 4000),)}, {"free_memory": 4000, "peers": ((7, 4000),)}
    ),
    **edges("disk", D, soft=False, enough={"free_disk": 501}, short={"free_disk": 500}),
    **edges(
        "disk kept", D, soft=True, enough={"free_disk": 600, "low_disk": 100}, short={"free_disk": 599, "low_disk": 100}
    ),
    **edges("disk planned", D, soft=True, enough={"planned_free_disk": 501}, short={"planned_free_disk": 500}),
    **edges(
        "disk kept, planned", D, soft=True,
        enough={"planned_free_disk": 600, "low_disk": 100}, short={"planned_free_disk": 599, "low_disk": 100},
    ),
    **edges("spindles", S, soft=False, enough=EXCLUSIVE | {"free_spindles": 3}, short=EXCLUSIVE | {"free_spindles": 2}),
    **edges(
        "spindles planned", S, soft=True,
        enough=EXCLUSIVE | {"planned_free_spindles": 3}, short=EXCLUSIVE | {"planned_free_spindles": 2},
    ),
    **edges("spindle use", D, soft=True, enough={"spindle_use": 6.0}, short={"spindle_use": 7.0}),
    **edges("use planned", D, soft=True, enough={"planned_spindle_use": 6.0}, short={"planned_spindle_use": 7.0}),
    **edges(
        "spindle use where spindles are owned", S, soft=False,
        enough=EXCLUSIVE | {"spindle_use": 9.0}, short=EXCLUSIVE | {"free_spindles": 2, "spindle_use": 9.0},
    ),
    **edges(
        "spindles that nobody owns", D, soft=False,
        enough={"free_spindles": 0, "planned_free_spindles": 0},
        short={"free_spindles": 0, "planned_free_spindles": 0, "free_disk": 500},
    ),
    "cores": Edge(False, FailMode.CPU, True, {"used_cpus": 7}, {"used_cpus": 8}),
    "cores planned": Edge(False, FailMode.CPU, True, {"planned_used_cpus": 7}, {"planned_used_cpus": 8}),
    "cores without limit": Edge(
        False, FailMode.CPU, True, {"used_cpus": 99, "planned_used_cpus": 99, "vcpu_ratio": -1.0}, {"used_cpus": 99}
    ),
    "tags": Edge(False, FailMode.TAGS, True, {"tags": {"svc:b": 1}}, {"tags": {"svc:a": 1}}),
    "N+1 that fails already": Edge(
        True, M, True,
        {"free_memory": 1100, "peers": ((7, 4000),), "n1_failed": True}, {"free_memory": 1100, "peers": ((7, 4000),)},
    ),
    "N+1 that fails already, runs": Edge(
        False, M, True,
        {"free_memory": 1100, "peers": ((7, 4000),), "n1_failed": True}, {"free_memory": 1100, "peers": ((7, 4000),)},
    ),
}  # fmt: skip


def instance(*, forthcoming: bool = False, template: DiskTemplate = DiskTemplate.DRBD) -> Instance:
    """1000 MiB, 500 MiB of disk, a core, 3 spindles, 2 uses of spindles."""
    return Instance(
        name="vm",
        memory=1000,
        disk=500,
        vcpus=1,
        status=InstanceStatus.RUNNING,
        auto_balance=True,
        primary=5,
        secondary=6,
        disk_template=template,
        disks=(Disk(500, 3),),
        spindle_use=2,
        forthcoming=forthcoming,
    )


def reported(had: Mapping[str, Any]) -> Node:
    return Node(
        "node", 0, 10.0**6, 10**6 - had["free_memory"], had["free_memory"], 10.0**5, had["free_disk"], 4.0,
        node_cpus=0, spindles=1, exclusive_storage=had["exclusive"],
    )  # fmt: skip


def policy(had: Mapping[str, Any]) -> Policy:
    return replace(DEFAULT_POLICY, bounds=ANY_SIZE, vcpu_ratio=had["vcpu_ratio"], spindle_ratio=8.0)


Asked = Callable[[Mapping[str, Any], Instance, bool, bool], FailMode | None]
"""A node's figures, the instance, whether it is mirrored there, whether soft errors are ignored → the refusal."""


def by_definition(had: Mapping[str, Any], vm: Instance, mirrors: bool, force: bool) -> FailMode | None:
    real, planned = (
        Ledger((), (), had[f"{count}free_disk"], had[f"{count}used_cpus"], had[f"{count}free_spindles"],
               had[f"{count}spindle_use"])
        for count in ("", "planned_")
    )  # fmt: skip
    state = NodeState(
        0, reported(had), policy(had), had["low_disk"], real, planned, had["planned_free_memory"],
        peers=had["peers"], n1_failed=had["n1_failed"], exclusion_tags=had["tags"],
    )  # fmt: skip
    placed = Placed(0, vm, exclusion_tags=("svc:a",))
    if mirrors:
        found = add_secondary(state, placed, 5, ignore_soft=force)
    else:
        found = add_primary(state, placed, ignore_soft=force)
    return found.mode if isinstance(found, Refusal) else None


def working(had: Mapping[str, Any], vm: Instance) -> tuple[NodeModel, InstanceModel]:
    node = NodeModel(0, reported(had))
    for name in PLENTY.keys() - {"exclusive", "tags", "peers"}:
        setattr(node, name, had[name])
    node.tag_counts, node.peers, node.high_spindles = dict(had["tags"]), list(had["peers"]), 8.0
    node.reserved = had["peers"][0][1] if had["peers"] else 0
    model = InstanceModel(0, vm)
    model.exclusion_tags = ("svc:a",)
    return node, model


def by_the_model(had: Mapping[str, Any], vm: Instance, mirrors: bool, force: bool) -> FailMode | None:
    node, model = working(had, vm)
    return node.secondary_refusal(model, 5, force=force) if mirrors else node.primary_refusal(model, force=force)


def by_the_explanation(had: Mapping[str, Any], vm: Instance, mirrors: bool, force: bool) -> FailMode | None:
    node, model = working(had, vm)
    conditions = explain.as_secondary(node, model, 5, {}) if mirrors else explain.as_primary(node, model, {})
    return next((each.mode for each in conditions if not (force and each.soft)), None)


def by_vectors(had: Mapping[str, Any], vm: Instance, mirrors: bool, force: bool) -> FailMode | None:
    """Placement in vectors, which has no forced secondaries and leaves redundancy to whoever knows the pair."""
    node, model = working(had, vm)
    groups = [Group("g", "u", policy=policy(had))]
    fits = Fits(groups, PlacementNodes(Model({0: node}, {})), [(0, node.exclusive)], [model], soft=force)
    code = int(fits.before_n1[0, 0] or fits.after_n1[0, 0]) if mirrors else int(fits.primary[0, 0])
    return MODES[code - 1] if code else None


ASKED: dict[str, Asked] = {
    "definition": by_definition,
    "model": by_the_model,
    "explanation": by_the_explanation,
    "vectors": by_vectors,
}


def wrong(name: str, edge: Edge) -> list[str]:
    """What the one who is asked says otherwise about an edge."""
    ask, vectors, found = ASKED[name], name == "vectors", []
    pairwise = any("peers" in side for side in (edge.enough, edge.short)) and edge.mirrors
    planned = any(key.startswith("planned") and edge.enough.get(key) != had for key, had in edge.short.items())

    def check(wanted: FailMode | None, figures: Mapping[str, Any], *, force: bool, forthcoming: bool = False) -> None:
        if vectors and (pairwise or forthcoming or (force and edge.mirrors)):
            return
        said = ask(PLENTY | dict(figures), instance(forthcoming=forthcoming), edge.mirrors, force)
        if said is not wanted:
            found.append(f"{figures}, force {force}, forthcoming {forthcoming}: {said} in place of {wanted}")

    check(None, edge.enough, force=False)
    check(None, edge.enough, force=True)
    check(edge.mode, edge.short, force=False)
    check(None if edge.soft else edge.mode, edge.short, force=True)
    check(edge.mode if planned else None, edge.short, force=False, forthcoming=True)
    check(None, edge.short, force=True, forthcoming=True)
    return found


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("name", ASKED)
def test_edges(name: str, edge: str) -> None:
    assert not wrong(name, EDGES[edge])


def unmirrored(name: str) -> list[str]:
    """What is said wrongly of an instance without a second copy that is to be mirrored."""
    vm, found = instance(template=DiskTemplate.PLAIN), []
    for forthcoming, force, wanted in (
        (False, False, FailMode.DISK),
        (False, True, FailMode.DISK),
        (True, False, FailMode.DISK),
        (True, True, None),
    ):
        if name == "vectors" and (forthcoming or force):
            continue
        said = ASKED[name](PLENTY, replace(vm, forthcoming=forthcoming), True, force)
        if said is not wanted:
            found.append(f"forthcoming {forthcoming}, force {force}: {said} in place of {wanted}")
    return found


@pytest.mark.parametrize("name", ASKED)
def test_only_what_has_a_second_copy_is_mirrored(name: str) -> None:
    assert not unmirrored(name)


def disks_there(refusal: Callable[..., Any]) -> None:
    """Disks that are there already need no room; soft limits on disk are asked all the same."""
    node, vm = working(PLENTY | {"free_disk": 500, "low_disk": -9}, instance())
    assert refusal(node, vm, 5, force=True, ignore_disks=True) is None
    assert refusal(node, vm, 5, force=True) is FailMode.DISK
    node.low_disk = 1
    assert refusal(node, vm, 5, force=False, ignore_disks=True) is FailMode.DISK


def test_disks_that_are_there_need_no_room() -> None:
    disks_there(NodeModel.secondary_refusal)


def test_the_first_condition_is_the_reason() -> None:
    nothing = dict.fromkeys(
        ("free_memory", "free_disk", "free_spindles", "planned_free_memory", "planned_free_disk"), 0
    ) | {"low_disk": 9, "exclusive": True, "used_cpus": 99, "spindle_use": 99.0, "tags": {"svc:a": 1}}
    order = [
        ("free_memory", FailMode.MEMORY), ("free_disk", FailMode.DISK), ("free_spindles", FailMode.SPINDLES),
        ("used_cpus", FailMode.CPU), ("tags", FailMode.TAGS), ("planned_free_memory", FailMode.MEMORY),
        ("planned_free_disk", FailMode.DISK),
    ]  # fmt: skip
    for lifted in range(len(order) + 1):
        had = PLENTY | nothing | {name: PLENTY[name] for name, _ in order[:lifted]}
        wanted = order[lifted][1] if lifted < len(order) else None
        for name, ask in ASKED.items():
            assert ask(had, instance(), False, False) is wanted, (name, lifted)


def test_names_are_unique() -> None:
    for conditions in (AS_PRIMARY, AS_SECONDARY):
        names = [(each.limit, each.planned) for each in conditions]
        assert len(set(names)) == len(names)
