import pytest

from impl.cluster.view import ClusterView, UnknownObjectError, in_service
from tests.impl.clusters import make_config, uuid


def test_lookup_by_uuid_name_and_first_part() -> None:
    view = ClusterView(make_config())
    for name in (uuid(1, 2), "node2.example.com", "node2"):
        assert view.find("node", name)["uuid"] == uuid(1, 2)
    assert not view.has("group", "def")
    with pytest.raises(UnknownObjectError, match="Instance name x not found"):
        view.find("instance", "x")


def test_places_and_parameters() -> None:
    config = make_config(instances={"a": (1, 2), "b": (2, None)})
    config["nodegroups"][uuid(2, 1)]["ndparams"] = {"oob_program": "/group"}
    config["nodes"][uuid(1, 2)]["ndparams"] = {"oob_program": "/node"}
    view = ClusterView(config)
    a, b = view.find("instance", "a"), view.find("instance", "b")
    assert view.nodes_of(a) == (uuid(1, 1), uuid(1, 2))
    assert view.secondaries_of(b) == ()
    assert [view.disk_template(a), view.disk_template(b)] == ["drbd", "plain"]
    assert [view.disk_usage(a), view.disk_usage(b)] == [10 * 1024 + 128, 10 * 1024]
    assert view.primaries_on(uuid(1, 2)) == [b]
    assert view.secondaries_on(uuid(1, 2)) == [a]
    programs = [view.node_parameters(view.find("node", f"node{n}"))["oob_program"] for n in (1, 2)]
    assert programs == ["/group", "/node"]
    assert view.memory(a) == 2048
    assert view.backend_parameters(a)["auto_balance"] is True


def test_network_interfaces_inherit_parameters_and_override_them() -> None:
    view = ClusterView(make_config())
    assert view.nic_parameters({}) == {"mode": "bridged", "link": "br0", "vlan": ""}
    assert view.nic_parameters({"nicparams": {"link": "br7"}})["link"] == "br7"


def test_a_node_is_in_service_unless_it_is_offline_or_drained() -> None:
    states = [(False, False), (True, False), (False, True), (True, True)]
    assert [in_service({"offline": offline, "drained": drained}) for offline, drained in states] == [
        True, False, False, False
    ]  # fmt: skip
    assert in_service({})
