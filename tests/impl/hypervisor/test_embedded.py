from typing import Any

import pytest

from impl.cluster.change import Change, apply, drop, put, set_cluster, together
from impl.cluster.view import ClusterView
from impl.hypervisor.embedded import EmbeddedDriver
from impl.hypervisor.port import Driver, DriverError
from tests.impl.clusters import make_config, uuid


class Watch:
    def __init__(self, seconds_per_gib: float = 2.0) -> None:
        self.view = ClusterView(make_config(instances={"web1": (1, 2)}, seconds_per_gib=seconds_per_gib))
        self.slept: list[float] = []
        self.log: list[str] = []
        self.driver: Driver = EmbeddedDriver(self.slept.append)
        self.instance = self.view.find("instance", "web1")


def test_time_follows_the_size() -> None:
    watch = Watch()
    watch.driver.migrate(watch.view, watch.instance, uuid(1, 2), watch.log.append, live=True)
    assert sum(watch.slept) == 4.0
    assert [line for line in watch.log if "%" in line] == [f"{part} % of 2.0 GiB copied" for part in (25, 50, 75)]
    watch.slept.clear()
    watch.driver.copy_disks(watch.view, watch.instance, watch.view.disks(watch.instance), uuid(1, 3), watch.log.append)
    assert sum(watch.slept) == pytest.approx(2 * 10.125)


def test_without_a_time_there_is_none() -> None:
    watch = Watch(0.0)
    watch.driver.migrate(watch.view, watch.instance, uuid(1, 2), watch.log.append, live=False)
    assert (watch.slept, len(watch.log)) == ([], 1)


@pytest.mark.parametrize("number", [1, 2])
def test_offline_nodes_do_not_answer(number: int) -> None:
    watch = Watch()
    watch.view.config["nodes"][uuid(1, number)]["offline"] = True
    with pytest.raises(DriverError, match=f"node{number}.example.com: Node is marked offline"):
        watch.driver.migrate(watch.view, watch.instance, uuid(1, 2), watch.log.append, live=True)


def test_a_change_replaces_and_never_modifies() -> None:
    config = make_config(instances={"web1": (1, 2)})
    before = repr(config)
    node = config["nodes"][uuid(1, 1)]
    change = together([put("nodes", {**node, "offline": True}), drop("instances", uuid(3, 1)), set_cluster(x=1)])
    after = apply(config, change, 9.0)
    assert repr(config) == before
    assert after["nodes"][uuid(1, 1)] == {**node, "offline": True, "serial_no": 2, "mtime": 9.0}
    assert after["instances"] == {}
    assert (after["cluster"]["x"], after["serial_no"], after["mtime"]) == (1, 2, 9.0)
    assert after["nodes"][uuid(1, 2)] is config["nodes"][uuid(1, 2)]


@pytest.mark.parametrize(
    ("change", "single"),
    [
        (put("nodes", {"uuid": "a"}), True),
        (put("nodes", {"uuid": "a"}, {"uuid": "b"}), False),
        (drop("nodes", "a"), False),
        (set_cluster(x=1), False),
        (Change(), False),
    ],
)
def test_what_goes_as_one_object(change: Change, single: bool) -> None:
    found: Any = change.single()
    assert (found is not None) == single
    assert bool(change) == (change != Change())
