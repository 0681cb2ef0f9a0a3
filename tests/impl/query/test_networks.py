"""Fields of networks, of job filters and of exports."""

from typing import Any

import pytest

from impl.query import run_query
from impl.query.model import NO_DATA, NORMAL, OFFLINE, UNAVAILABLE
from tests.impl.clusters import make_config, uuid
from tests.impl.query.fakes import FakeSource


@pytest.fixture
def source() -> FakeSource:
    config = make_config(instances={"web1": (1, 2), "web2": (2, None)})
    config["networks"] = {
        "u-net": {
            "uuid": "u-net", "name": "net", "network": "192.0.2.0/29", "gateway": "192.0.2.1", "mac_prefix": None,
            "reservations": "00100000", "ext_reservations": "11000001", "tags": ["z", "a"], "serial_no": 4,
        },
        "u-bare": {"uuid": "u-bare", "name": "bare", "network": "198.51.100.0/30"},
    }  # fmt: skip
    config["instances"][uuid(3, 1)]["nics"] = [{"network": "u-net"}, {"network": "u-net"}]
    config["nodegroups"][uuid(2, 1)]["networks"] = {"u-net": {"mode": "bridged", "link": "br1", "vlan": ""}}
    config["filters"] = {
        "f2": {"uuid": "f2", "priority": 1, "watermark": 9, "action": "PAUSE", "predicates": [], "reason_trail": []},
        "f1": {"uuid": "f1", "priority": 2},
    }
    config["nodes"][uuid(1, 2)]["offline"] = True
    return FakeSource(config)


def entries(source: FakeSource, what: str, *fields: str, name: Any = None) -> list[dict[str, tuple[int, Any]]]:
    key = "node" if what == "export" else "name"
    answer = run_query(what, list(fields), None if name is None else ["=", key, name], source)
    return [{field: tuple(entry) for field, entry in zip(fields, row, strict=True)} for row in answer["data"]]


def test_addresses_are_counted_and_drawn(source: FakeSource) -> None:
    (found,) = entries(
        source, "network", "free_count", "reserved_count", "map", "external_reservations", "gateway", "mac_prefix",
        name="net",
    )  # fmt: skip
    assert found == {
        "free_count": (NORMAL, 4), "reserved_count": (NORMAL, 4), "map": (NORMAL, "XXX....X"),
        "external_reservations": (NORMAL, "192.0.2.0, 192.0.2.1, 192.0.2.7"), "gateway": (NORMAL, "192.0.2.1"),
        "mac_prefix": (UNAVAILABLE, None),
    }  # fmt: skip


def test_groups_and_instances_of_a_network(source: FakeSource) -> None:
    fields = ("group_list", "group_cnt", "inst_list", "inst_cnt")
    (net,), (bare,) = (entries(source, "network", *fields, name=name) for name in ("net", "bare"))
    assert [value for _, value in net.values()] == [[["default", "bridged", "br1", "-"]], 1, ["web1"], 1]
    assert [value for _, value in bare.values()] == [[], 0, [], 0]


def test_what_all_objects_have(source: FakeSource) -> None:
    (net,), (bare,) = (
        entries(source, "network", "tags", "serial_no", "uuid", "ctime", name=name) for name in ("net", "bare")
    )
    assert [value for _, value in net.values()] == [["a", "z"], 4, "u-net", 0]
    assert [value for _, value in bare.values()] == [[], 1, "u-bare", 0]


def test_job_filters_come_in_the_order_of_their_ids(source: FakeSource) -> None:
    first, second = entries(source, "filter", "uuid", "priority", "action")
    assert first == {"uuid": (NORMAL, "f1"), "priority": (NORMAL, 2), "action": (NO_DATA, None)}
    assert second == {"uuid": (NORMAL, "f2"), "priority": (NORMAL, 1), "action": (NORMAL, "PAUSE")}


def test_no_node_has_an_export(source: FakeSource) -> None:
    found = entries(source, "export", "node", "export")
    assert [entry["export"] for entry in found] == [
        (NO_DATA, None), (OFFLINE, None), (NO_DATA, None), (NO_DATA, None)
    ]  # fmt: skip
    assert len(entries(source, "export", "node", name="node2")) == 1
