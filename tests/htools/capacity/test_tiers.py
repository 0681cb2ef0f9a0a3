"""Sizes of an instance on one model: verdicts and look-downs as if each were tried alone, and how many are tried."""

from dataclasses import replace
from itertools import product

import pytest

from htools.backends import text
from htools.capacity.fill import Filled, Filler
from htools.capacity.tiers import Trials
from htools.commandline.options import Spec
from htools.hspace import instance_from
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.placement.outcomes import NEW, candidates
from htools.placement.vector_placer import Placer
from spec.allocator import capacity, placement
from spec.allocator.cluster import Disk, DiskTemplate, Instance
from spec.allocator.decisions import FailMode, Settings
from spec.allocator.initial import initial_state
from spec.allocator.requests import Limits
from spec.allocator.state import Placed
from tests import budget
from tests.conformance.random_clusters import random_cluster

TEMPLATES = (DiskTemplate.DRBD, DiskTemplate.PLAIN, DiskTemplate.EXT)


def sized(template: DiskTemplate, memory: int, disk: int, vcpus: int) -> Instance:
    return replace(instance_from(Spec(disk, memory, vcpus, 3), template, 1), disks=(Disk(disk, 3),))


def compare(seeds: range) -> int:
    """Compare look-downs from a large size, and from the sizes below it, with those that the definition makes."""
    found = 0
    for seed in seeds:
        cluster = text.parse(random_cluster(seed))
        template, limits = TEMPLATES[seed % 3], Limits(capacity=seed % 2 == 0, ignore_soft=seed % 5 == 0)
        required = 2 if template is DiskTemplate.DRBD else 1
        state, model = initial_state(cluster), Model.of(cluster, Settings())
        targets = candidates(model.nodes.values(), cluster.groups, required, limits, allocable=True)
        if not targets:
            continue
        trials = Trials(Placer(model, cluster.groups, soft=limits.ignore_soft), targets, required, limits)
        for sizes in product((2600, 900), (3000, 700), (6, 1)):
            size = sized(template, *sizes)
            outcome = placement.try_all(state, Placed(NEW, size), targets, required, replace(limits, capacity=False))
            trial = trials.of(size, FailMode.DISK)
            reasons = {mode: count for mode, count in outcome.failures.items() if count}
            assert (trial.fits, dict(trial.failures)) == (outcome.best is not None, reasons), seed
            for failure in FailMode:
                wanted = capacity._suffices(capacity.Filled({}, state), Placed(NEW, size), failure, targets, limits)
                first = trials.first_fitting(size, failure)
                assert first == (wanted and wanted.instance), (seed, size, failure)
                found += first is not None
    return found


def test_look_downs_as_specified() -> None:
    assert compare(range(6)) > 0


@pytest.mark.long
def test_look_downs_as_specified_often() -> None:
    wanted = budget.spent(ci=20, weekly=60) // 3
    budget.compare_until(compare, lambda found: found > wanted, ci=20, weekly=60)


@pytest.mark.parametrize("template", TEMPLATES[:2], ids=lambda template: template.value)
def test_where_nothing_fits_every_size_is_tried_once(template: DiskTemplate, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[InstanceModel] = []
    honest = Placer.refusals

    def counting(self: Placer, vms: list[InstanceModel], targets: object) -> object:
        tried.extend(vms)
        return honest(self, vms, targets)  # type: ignore[arg-type]

    monkeypatch.setattr(Placer, "refusals", counting)
    lines = ["g|u|preferred||", "", *(f"n{at}|4096|256|3840|128|1|4|N|u|1||N|1|1|1.0" for at in range(2)), "", ""]
    policy = "128,1,256,1,1,1|64,8,256,1,1,1;32768,8,1048576,16,8,12|drbd,plain,ext|4.0|32.0"
    cluster = text.parse("\n".join([*lines, "", f"|{policy}", f"g|{policy}", ""]))
    new = sized(template, 32768, 1048576, 8)
    required = 2 if template is DiskTemplate.DRBD else 1
    model, limits = Model.of(cluster, Settings()), Limits()
    targets = candidates(model.nodes.values(), cluster.groups, required, limits, allocable=True)
    filled = Filler(cluster.groups, targets, required, limits).fill_tiers(Filled({}, model), new, 3)
    assert not filled.placed
    assert 500 < len(tried) < 6000  # sizes of memory and of disk, and what was tried ahead in vain
    assert len(tried) == len({vm.instance for vm in tried})
