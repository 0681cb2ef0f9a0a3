"""Changes of single objects: what they do, which serial numbers go up, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from impl.config import facts, objects
from impl.config.errors import ConfigurationError, ProgrammerError, RefusedError, ReservationError
from impl.config.model import TOP, Draft
from tests.impl.config.values import VALUE, config

NOW = 9.0


@pytest.fixture
def draft() -> Draft:
    return Draft(config())


def found(draft: Draft, section: str, key: str) -> dict[str, Any]:
    value = draft.get(section, key)
    assert value is not None
    return value


# ---- update


def test_an_update_bumps_the_object(draft: Draft) -> None:
    node = {**VALUE["instances"]["i1"], "name": "new"}
    assert objects.update(draft, "instances", node, NOW) == [5, NOW]
    assert found(draft, "instances", "i1") == {**node, "serial_no": 5, "mtime": NOW}
    assert found(draft, TOP, "cluster")["serial_no"] == 3


def test_an_update_of_a_node_bumps_the_cluster_too(draft: Draft) -> None:
    objects.update(draft, "nodes", {**VALUE["nodes"]["n1"], "offline": True}, NOW)
    assert found(draft, TOP, "cluster")["serial_no"] == 4


def test_the_cluster_is_updated_without_a_uuid(draft: Draft) -> None:
    assert objects.update(draft, TOP, {"serial_no": 3, "tags": ["a"]}, NOW) == [4, NOW]
    assert found(draft, TOP, "cluster") == {"serial_no": 4, "tags": ["a"], "mtime": NOW}


def test_the_same_update_twice_is_answered_and_changes_nothing(draft: Draft) -> None:
    instance = {**VALUE["instances"]["i1"], "name": "new"}
    first = objects.update(draft, "instances", instance, NOW)
    before = found(draft, "instances", "i1")
    assert objects.update(draft, "instances", instance, NOW + 1) == first
    assert found(draft, "instances", "i1") is before


def test_an_update_of_what_has_changed_or_is_unknown_is_refused(draft: Draft) -> None:
    objects.update(draft, "instances", {**VALUE["instances"]["i1"], "name": "new"}, NOW)
    with pytest.raises(ConfigurationError, match="updated since it has been read: 5 != 4"):
        objects.update(draft, "instances", {**VALUE["instances"]["i1"], "name": "other"}, NOW)
    with pytest.raises(ConfigurationError, match="unknown"):
        objects.update(draft, "instances", {"uuid": "nobody"}, NOW)
    with pytest.raises(ConfigurationError, match="'uuid'"):
        objects.update(draft, "instances", {}, NOW)


# ---- instances


def test_an_instance_is_added_or_replaced_as_asked(draft: Draft) -> None:
    objects.add_instance(draft, {"uuid": "i9", "name": "new"}, NOW, replace=False)
    assert found(draft, "instances", "i9") == {"uuid": "i9", "name": "new", "ctime": NOW, "mtime": NOW}
    objects.add_instance(draft, {"uuid": "i2", "name": "again"}, NOW, replace=True)
    assert found(draft, "instances", "i2")["name"] == "again"
    with pytest.raises(ConfigurationError, match="UUID d1 already in use"):
        objects.add_instance(draft, {"uuid": "d1", "name": "x"}, NOW, replace=False)
    with pytest.raises(ConfigurationError, match="Cannot replace x: UUID i7 not present"):
        objects.add_instance(draft, {"uuid": "i7", "name": "x"}, NOW, replace=True)
    with pytest.raises(ConfigurationError, match="MAC addresses"):
        objects.add_instance(
            draft, {"uuid": "i8", "name": "x", "nics": [{"mac": "aa:bb:cc:00:00:01"}]}, NOW, replace=False
        )


def test_a_removed_instance_gives_its_port_back(draft: Draft) -> None:
    objects.remove_instance(draft, "i1", NOW)
    assert draft.get("instances", "i1") is None
    cluster = found(draft, TOP, "cluster")
    assert (cluster["tcpudp_port_pool"], cluster["serial_no"]) == ([11_001, 11_003], 4)
    objects.remove_instance(draft, "nobody", NOW)
    assert found(draft, TOP, "cluster")["tcpudp_port_pool"] == [11_001, 11_003]


def test_a_state_that_is_set_already_bumps_nothing(draft: Draft) -> None:
    assert objects.set_instance_status(draft, "i1", "up", None, None, NOW)["serial_no"] == 4
    after = objects.set_instance_status(draft, "i1", "down", False, None, NOW)
    assert (after["admin_state"], after["disks_active"], after["serial_no"]) == ("down", False, 5)
    assert "admin_state_source" not in after


def test_a_new_primary_node(draft: Draft) -> None:
    objects.set_primary_node(draft, "i1", "n2")
    assert found(draft, "instances", "i1") == {**VALUE["instances"]["i1"], "primary_node": "n2"}


# ---- disks


@pytest.mark.parametrize(
    ("index", "expected"),
    [(0, ["d3", "d1", "d2"]), (1, ["d1", "d3", "d2"]), (2, ["d1", "d2", "d3"]), (None, ["d1", "d2", "d3"])],
)
def test_an_attached_disk_takes_its_place_and_all_behind_it_new_names(
    draft: Draft, index: int | None, expected: list[str]
) -> None:
    objects.attach_disk(draft, "i1", "d3", index, NOW)
    assert found(draft, "instances", "i1")["disks"] == expected
    assert [found(draft, "disks", disk)["iv_name"] for disk in expected] == ["disk/0", "disk/1", "disk/2"]


def test_a_detached_disk_lets_those_behind_it_move_up(draft: Draft) -> None:
    objects.detach_disk(draft, "i1", "d1", NOW)
    assert found(draft, "instances", "i1")["disks"] == ["d2"]
    assert found(draft, "disks", "d2")["iv_name"] == "disk/0"
    assert draft.get("disks", "d1") is not None
    before = found(draft, "instances", "i1")
    objects.detach_disk(draft, "i1", "d1", NOW)
    assert found(draft, "instances", "i1") is before


def test_a_removed_disk_is_detached_and_gone(draft: Draft) -> None:
    objects.remove_disk(draft, "i1", "d1", NOW)
    assert draft.get("disks", "d1") is None
    assert found(draft, "instances", "i1")["disks"] == ["d2"]


def test_a_disk_is_added_in_one_go(draft: Draft) -> None:
    objects.add_disk(draft, "i2", {"uuid": "d9", "name": None}, None, NOW, replace=False)
    assert found(draft, "instances", "i2")["disks"] == ["d9"]
    assert found(draft, "disks", "d9")["iv_name"] == "disk/0"


REFUSED: list[tuple[Callable[[Draft], object], type[RefusedError], str]] = [
    (lambda d: objects.attach_disk(d, "i1", "d9", None, NOW), ConfigurationError, "Disk d9 doesn't exist"),
    (lambda d: objects.attach_disk(d, "i9", "d3", None, NOW), ConfigurationError, "instance with UUID i9"),
    (lambda d: objects.attach_disk(d, "i2", "d1", None, NOW), ReservationError, "already attached"),
    (lambda d: objects.attach_disk(d, "i1", "d3", -1, NOW), RefusedError, "negative"),
    (lambda d: objects.attach_disk(d, "i1", "d3", 3, NOW), RefusedError, "Got disk index 3, but there are only 2"),
    (lambda d: objects.remove_disk(d, "i2", "d1", NOW), ProgrammerError, "attached to an instance"),
    (lambda d: objects.add_disk(d, "i2", {"uuid": "d1"}, None, NOW, replace=False), ConfigurationError, "in use"),
    (lambda d: objects.add(d, "nodes", {"uuid": "n1"}, NOW), ConfigurationError, "already in use"),
    (lambda d: objects.remove(d, "nodes", "n9", NOW), ConfigurationError, "Could not find nodes with UUID n9"),
    (lambda d: objects.remove(d, "nodes", "n2", NOW), ConfigurationError, "d1, d3, web2 still use it"),
    (lambda d: objects.remove(d, "nodegroups", "g", NOW), ConfigurationError, "n1.example, n2.example still use it"),
    (lambda d: objects.remove(d, "disks", "d1", NOW), ConfigurationError, "web1 still use it"),
    (lambda d: objects.remove(d, "networks", "net", NOW), ConfigurationError, "web1 still use it"),
]


@pytest.mark.parametrize(("change", "error", "said"), REFUSED)
def test_what_is_refused_changes_nothing(
    draft: Draft, change: Callable[[Draft], object], error: type[RefusedError], said: str
) -> None:
    with pytest.raises(error, match=said):
        change(draft)
    assert draft.changes() == []


# ---- any objects, ports


def test_objects_of_any_section_come_and_go(draft: Draft) -> None:
    objects.add(draft, "nodegroups", {"uuid": "g2", "name": "second"}, NOW)
    assert found(draft, "nodegroups", "g2") == {
        "uuid": "g2", "name": "second", "serial_no": 1, "ctime": NOW, "mtime": NOW
    }  # fmt: skip
    objects.remove(draft, "nodegroups", "g2", NOW)
    assert draft.get("nodegroups", "g2") is None
    assert found(draft, TOP, "cluster")["serial_no"] == 5


def test_ports_come_from_the_pool_first_and_then_from_above(draft: Draft) -> None:
    assert [objects.allocate_port(draft) for _ in range(3)] == [11_003, 11_006, 11_007]
    objects.add_port(draft, 11_006)
    objects.add_port(draft, 11_003)
    objects.add_port(draft, 11_006)
    assert found(draft, TOP, "cluster")["tcpudp_port_pool"] == [11_006, 11_003]
    assert objects.allocate_port(draft) == 11_006


def test_the_last_port_is_the_last(draft: Draft) -> None:
    draft.put(TOP, "cluster", {"highest_used_port": facts.LAST_PORT - 1})
    assert objects.allocate_port(draft) == facts.LAST_PORT
    with pytest.raises(ConfigurationError, match="highest used port"):
        objects.allocate_port(draft)
