"""What placement promises, on small clusters: redundancy is kept, hspace and hail agree, hsqueeze comes to rest."""

import json
import re
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pytest
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from htools import hspace
from htools.backends import text
from htools.iallocator import allocation
from htools.maintenance import squeeze
from htools.model.cluster import Model
from spec.allocator import candidates
from spec.allocator.cluster import Cluster, Disk, DiskTemplate, Instance, InstanceStatus
from spec.allocator.decisions import Settings
from spec.allocator.iallocator import placed_new
from spec.allocator.initial import initial_state
from spec.allocator.redundancy import redundant
from spec.allocator.requests import Allocate, Limits, NewInstance
from spec.allocator.statistics import statistics
from tests.conformance.programs import run_ours

POLICY = "512,1,512,1,1,1|128,1,128,1,1,1;4096,4,4096,16,8,12|drbd,plain,ext|4.0|32.0"
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Small:
    """A cluster of one template.

    Attributes:
        memory: MiB of each node.
        vms: memory, primary and secondary (-1: none) of each instance.
        offline: which nodes are, and stand by.
    """

    template: str
    memory: tuple[int, ...]
    vms: tuple[tuple[int, int, int], ...]
    offline: frozenset[int] = frozenset()
    groups: int = 1

    def free(self, node: int) -> int:
        return self.memory[node] - sum(size for size, primary, _ in self.vms if primary == node)

    def cluster(self) -> Cluster:
        return text.parse(self.text())

    def text(self) -> str:
        groups = [f"g{n}|u{n}|preferred||" for n in range(self.groups)]
        disks = [65536 - 512 * sum(n in vm[1:] for vm in self.vms) for n in range(len(self.memory))]
        nodes = [
            f"n{n}|{total}|0|{self.free(n)}|65536|{disks[n]}|16|{'NY'[n in self.offline]}|"
            f"u{n % self.groups}|1|{'htools:standby:a' if n in self.offline else ''}"
            "|N|0|1|1.0"
            for n, total in enumerate(self.memory)
        ]
        vms = [
            f"i{at}|{size}|512|1|running|Y|n{primary}|{'' if secondary < 0 else f'n{secondary}'}|{self.template}||1|1"
            for at, (size, primary, secondary) in enumerate(self.vms)
        ]
        policies = [f"|{POLICY}", *(f"g{n}|{POLICY}" for n in range(self.groups))]
        return "\n".join("".join(f"{line}\n" for line in part) for part in (groups, nodes, vms, [], policies))


@st.composite
def small(draw: st.DrawFn, templates: tuple[str, ...], *, standby: bool = False, groups: int = 1) -> Small:
    """Two to five nodes with a few instances that fit."""
    template = draw(st.sampled_from(templates))
    count = draw(st.integers(2, 5))
    memory = tuple(draw(st.sampled_from([1024, 2048, 3072])) for _ in range(count))
    offline = frozenset(draw(st.sets(st.integers(1, count - 1)))) if standby else frozenset()
    found = Small(template, memory, (), offline, groups)
    for _ in range(draw(st.integers(0, 2 * count))):
        size, primary = draw(st.sampled_from([128, 256, 512, 1024])), draw(st.integers(0, count - 1))
        peers = [n for n in range(count) if n != primary and n % groups == primary % groups]
        if primary in offline or found.free(primary) <= size or (template == "drbd" and not peers):
            continue
        secondary = draw(st.sampled_from(peers)) if template == "drbd" else -1
        found = replace(found, vms=(*found.vms, (size, primary, secondary)))
    return found


def wanted(case: Small, size: int) -> NewInstance:
    """An instance of the case's template to be placed."""
    template = DiskTemplate(case.template)
    status = InstanceStatus.RUNNING
    new = Instance("new", size, 512, 1, status, True, 0, None, template, disks=(Disk(512, 1),))
    return NewInstance(new, 2 if template is DiskTemplate.DRBD else 1)


def allocated(case: Small, size: int) -> list[int] | None:
    """The nodes that hail chooses, None where it finds none."""
    cluster = case.cluster()
    line = allocation.answer(cluster, Model.of(cluster, Settings()), Allocate(wanted(case, size)), Limits()).line
    said = json.loads(line)
    return [int(name[1:]) for name in said["result"]] if said["success"] else None


SIZES = st.sampled_from([128, 512, 1024, 2048])


@QUICK
@given(small(("plain", "drbd", "ext")), SIZES)
def test_what_hail_allocates_keeps_the_cluster_redundant(case: Small, size: int) -> None:
    nodes = allocated(case, size)
    if nodes is None:
        return
    cluster = case.cluster()
    state, new = initial_state(cluster), wanted(case, size)
    placed = placed_new(new.instance, cluster.tags)
    if len(nodes) == 1:
        found = candidates.on_one(state, placed, nodes[0], Limits())
    else:
        before = statistics(state.nodes.values())
        found = candidates.on_pair(state, before, placed, (nodes[0], nodes[1]), Limits())
    assert isinstance(found, candidates.Allocation)
    assert redundant(candidates.with_allocation(state, found), Limits())


def fits(case: Small, size: int) -> bool:
    """By z3: whether some placement of a new instance survives the failure of any one node.

    For DRBD every secondary must have room for what it takes over; for plain some way to create all instances of a
    failed node on others must exist. Disks are ample by construction, cores too.
    """
    count = len(case.memory)
    solver = z3.Solver()
    new = [z3.Int("primary"), z3.Int("secondary")]
    solver.add(new[0] >= 0, new[0] < count)
    if case.template == "drbd":
        solver.add(new[1] >= 0, new[1] < count, new[0] != new[1])
    vms = [(m, z3.IntVal(p), z3.IntVal(s)) for m, p, s in case.vms] + [(size, new[0], new[1])]
    free = [case.memory[n] - z3.Sum([z3.If(p == n, m, 0) for m, p, _ in vms]) for n in range(count)]
    solver.add([room > 0 for room in free])
    for failed in range(count):
        if case.template == "drbd":
            refuge = [s for _, _, s in vms]
        else:
            refuge = [z3.Int(f"refuge-{failed}-{at}") for at in range(len(vms))]
            solver.add([z3.And(r >= 0, r < count, r != failed) for r in refuge])
        for n in range(count):
            if n != failed:
                lost = [z3.If(z3.And(p == failed, r == n), m, 0) for (m, p, _), r in zip(vms, refuge, strict=True)]
                solver.add(z3.Or(z3.Sum(lost) == 0, free[n] - z3.Sum(lost) > 0))
    return bool(solver.check() == z3.sat)


@QUICK
@given(small(("drbd",)), SIZES)
def test_hail_places_a_mirrored_instance_exactly_where_z3_finds_a_place(case: Small, size: int) -> None:
    assert (allocated(case, size) is not None) == fits(case, size)


@QUICK
@given(small(("plain",)), SIZES)
def test_hail_places_a_plain_instance_only_where_z3_finds_a_place(case: Small, size: int) -> None:
    assert allocated(case, size) is None or fits(case, size)


def counted(case: Small, size: int, *words: str, limit: int = 1) -> int:
    """How many instances of a size hspace places."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(sys, "setrecursionlimit"):
        Path(folder, "c.data").write_text(case.text())
        asked = ["-t", "c.data", f"--disk-template={case.template}", f"--standard-alloc=512,{size},1", f"-l{limit}"]
        said = run_ours(hspace.main, [*asked, "--machine-readable=yes", *words], Path(folder))
    if said.code:
        assert "online nodes" in said.errors, said.errors
        return 0
    found = re.search(r"^HTS_ALLOC_INSTANCES=(\d+)", said.output, re.MULTILINE)
    assert found, said.output
    return int(found[1])


@QUICK
@given(small(("plain", "ext")), SIZES)
def test_hspace_counts_one_exactly_where_hail_places_it(case: Small, size: int) -> None:
    assert (counted(case, size) >= 1) == (allocated(case, size) is not None)


@QUICK
@given(small(("drbd",)), SIZES)
def test_hspace_counts_one_mirrored_exactly_where_hail_places_it_on_redundant_clusters(case: Small, size: int) -> None:
    """Where the cluster is not redundant as it is, hail refuses, and hspace may count all the same."""
    placed = allocated(case, size) is not None
    if redundant(initial_state(case.cluster()), Limits()):
        assert (counted(case, size) >= 1) == placed
    else:
        assert not placed


class Mixed(Small):
    """Instances without a secondary are plain ones."""

    def text(self) -> str:
        return super().text().replace("||drbd|", "||plain|")


def test_the_smallest_redundant_cluster_where_hspace_counts_one_that_hail_does_not_place() -> None:
    """The new instance takes the memory that the plain one would be created in again."""
    case = Mixed("drbd", (3072, 2048), ((1024, 0, -1),))
    assert redundant(initial_state(case.cluster()), Limits())
    assert counted(case, 1024) == 1
    assert allocated(case, 1024) is None


def test_the_smallest_mirrored_cluster_where_hspace_counts_one_that_hail_does_not_place() -> None:
    """The secondary has exactly the memory that it would need, which is too little; nobody noticed at load time."""
    case = Small("drbd", (1024, 2048, 3072), ((1024, 1, 0),))
    assert not redundant(initial_state(case.cluster()), Limits())
    assert counted(case, 512) == 1
    assert allocated(case, 512) is None


@QUICK
@given(small(("plain", "drbd", "ext"), standby=True, groups=2), SIZES)
def test_lenient_estimates_are_never_lower(case: Small, size: int) -> None:
    default = counted(case, size, limit=4)
    assert counted(case, size, "--independent-groups", limit=4) >= default
    assert counted(case, size, "--accept-existing-errors", limit=4) >= default


FACTORS = st.sampled_from([0.0, 0.5, 1.0, 2.0])


@QUICK
@given(small(("ext",), standby=True), FACTORS, FACTORS)
def test_hsqueeze_keeps_instances_online_and_the_target_and_comes_to_rest(
    case: Small, minimal: float, above: float
) -> None:
    cluster = case.cluster()
    standard, target = cluster.policy.standard, minimal + above
    found = squeeze.squeeze(Model.of(cluster, Settings()), standard, minimal, target)
    if found.action != "offline":
        return
    after = found.model
    assert not any(after.nodes[vm.primary].offline for vm in after.instances.values())
    assert squeeze.has_room(after, squeeze.measure(standard, target))
    again = squeeze.squeeze(after, standard, minimal, target)
    assert again.action != "online"
    for _ in cluster.nodes:  # a node tried too early may go now (docs/conformance.md), but that comes to an end
        again = squeeze.squeeze(again.model, standard, minimal, target)
    assert again.action == "nothing"


def packs(case: Small, gone: set[int], room: int) -> bool:
    """By z3: whether the nodes that stay could hold all instances, and every node then so much more."""
    solver = z3.Solver()
    homes = [z3.Int(f"home-{at}") for at in range(len(case.vms))]
    stay = [n for n in range(len(case.memory)) if n not in gone]
    solver.add([z3.Or([home == n for n in stay]) for home in homes])
    for n, total in enumerate(case.memory):
        solver.add(total - room > z3.Sum([z3.If(h == n, vm[0], 0) for h, vm in zip(homes, case.vms, strict=True)]))
    return bool(solver.check() == z3.sat)


@QUICK
@given(small(("ext",)), FACTORS, st.sets(st.integers(0, 4)))
def test_hsqueeze_powers_off_only_what_z3_can_pack_and_gives_up_only_what_it_cannot(
    case: Small, target: float, some: set[int]
) -> None:
    cluster = case.cluster()
    standard = cluster.policy.standard
    asked, model = squeeze.measure(standard, target), Model.of(cluster, Settings())
    found = squeeze.squeeze(model, standard, 0.0, target)
    if found.action == "offline":
        assert packs(case, set(found.nodes), asked.used_memory)
    leaving = [node for node in some if node < len(case.memory)]
    if squeeze._hopeless(model, leaving, asked):
        assert not packs(case, set(leaving), asked.used_memory)


def test_z3_finds_a_node_that_is_given_up_too_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squeeze, "_hopeless", lambda model, leaving, asked: len(leaving) > 0)
    with pytest.raises(AssertionError):
        test_hsqueeze_powers_off_only_what_z3_can_pack_and_gives_up_only_what_it_cannot()


@QUICK
@given(small(("drbd",)), FACTORS)
def test_hsqueeze_with_mirrored_instances_keeps_redundancy(case: Small, target: float) -> None:
    cluster = case.cluster()
    before = Model.of(cluster, Settings())
    found = squeeze.squeeze(before, cluster.policy.standard, 0.0, target, allow_drbd=True)
    if found.action != "offline":
        return
    after = found.model
    for vm in after.instances.values():
        assert not after.nodes[vm.primary].offline
        assert not after.nodes[vm.secondary].offline
    assert squeeze.has_room(after, squeeze.measure(cluster.policy.standard, target))
    for index, node in after.nodes.items():
        lacks = not node.offline and any(need >= node.free_memory for _, need in node.peers)
        assert not lacks or before.nodes[index].free_memory <= before.nodes[index].reserved


def test_the_clusters_are_neither_all_full_nor_all_empty() -> None:
    pair = Small("drbd", (1024, 1024), ((512, 0, 1),))
    assert allocated(pair, 256) is not None
    assert fits(pair, 256)
    assert allocated(pair, 512) is None
    assert not fits(pair, 512)
    plain = Small("plain", (2048, 2048), ((512, 0, -1),))
    assert sorted(node for size in (512, 2048) for node in allocated(plain, size) or []) == [1]
    assert counted(plain, 512) == 1
    assert counted(plain, 2048) == 0
    cluster = Small("ext", (3072, 3072, 3072), ((512, 0, -1), (512, 1, -1))).cluster()
    found = squeeze.squeeze(Model.of(cluster, Settings()), cluster.policy.standard, 0.0, 1.0)
    assert (found.action, len(found.nodes)) == ("offline", 2)
