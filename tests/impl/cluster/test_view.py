import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.cluster.names import NameIndex, matches, natural_key
from impl.cluster.view import ClusterView, UnknownObjectError
from tests.impl.clusters import make_config, uuid


def test_names_sort_as_people_read_them() -> None:
    names = ["node10", "node2", "node", "node2a", "a1b10", "a1b9", "network6", "network"]
    assert sorted(names, key=natural_key) == [
        "a1b9", "a1b10", "network", "network6", "node", "node2", "node2a", "node10"
    ]  # fmt: skip


@given(st.lists(st.text(alphabet="ab19.", max_size=6)), st.text(alphabet="ab19.", max_size=6))
def test_the_index_finds_what_comparing_each_name_finds(names: list[str], wanted: str) -> None:
    index = NameIndex({name: name for name in names})
    found = {name for name in names if matches(name, wanted)}
    if wanted in found:
        assert index.lookup(wanted) == wanted
    else:
        assert index.lookup(wanted) == (found.pop() if len(found) == 1 else None)


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
