"""Changes of a configuration as values: what is put, what is dropped, and which serial numbers go up."""

import copy

import pytest

from impl.cluster.change import NO_CHANGE, Change, apply, drop, put, set_cluster, together
from tests.impl.clusters import make_config, uuid

NODE = uuid(1, 2)


def test_a_new_object_begins_at_one_and_an_old_one_goes_up() -> None:
    config = make_config()
    before = copy.deepcopy(config)
    new = {"uuid": "n9", "name": "node9"}
    after = apply(config, put("nodes", new, {**config["nodes"][NODE], "offline": True, "serial_no": 77}), 10.0)
    assert after["nodes"]["n9"] == {**new, "serial_no": 1, "ctime": 10.0, "mtime": 10.0}
    changed = after["nodes"][NODE]
    assert (changed["offline"], changed["serial_no"], changed["ctime"], changed["mtime"]) == (True, 2, 1.5, 10.0)
    assert after["nodes"][uuid(1, 1)] is config["nodes"][uuid(1, 1)], "what is not changed is shared"
    assert config == before, "the configuration before is left alone"


@pytest.mark.parametrize("change", [drop("nodes", NODE), put("nodes", {"uuid": "x"}), set_cluster(tags=["new"])])
def test_cluster_and_configuration_go_up_by_one(change: Change) -> None:
    config = make_config()
    after = apply(config, change, 10.0)
    assert after["serial_no"] == config["serial_no"] + 1
    assert after["cluster"]["serial_no"] == config["cluster"]["serial_no"] + 1
    assert (after["mtime"], after["cluster"]["mtime"]) == (10.0, 10.0)


def test_dropping_what_is_not_there_is_no_error() -> None:
    config = make_config()
    assert apply(config, drop("nodes", "nobody", NODE), 1.0)["nodes"].keys() == config["nodes"].keys() - {NODE}


def test_several_changes_become_one_and_the_later_wins() -> None:
    first = together([put("nodes", {"uuid": "a", "v": 1}), drop("disks", "x"), set_cluster(a=1, b=1)])
    both = together([first, put("nodes", {"uuid": "a", "v": 2}, {"uuid": "b"}), drop("disks", "y"), set_cluster(b=2)])
    assert both.put == {"nodes": {"a": {"uuid": "a", "v": 2}, "b": {"uuid": "b"}}}
    assert both.drop == {"disks": {"x", "y"}}
    assert both.cluster == {"a": 1, "b": 2}


def test_only_a_change_of_one_object_is_single() -> None:
    one = {"uuid": "a"}
    assert put("nodes", one).single() == ("nodes", one)
    for more in (NO_CHANGE, drop("nodes", "b"), set_cluster(a=1), put("nodes", {"uuid": "b"}), put("disks", one)):
        assert together([put("nodes", one), more]).single() == (("nodes", one) if more is NO_CHANGE else None)


def test_a_change_of_nothing_is_false() -> None:
    assert not NO_CHANGE
    assert not put("nodes")
    assert not drop("nodes")
    assert put("nodes", {"uuid": "a"})
    assert drop("nodes", "a")
    assert set_cluster(a=1)


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
