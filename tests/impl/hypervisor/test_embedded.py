import pytest

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
