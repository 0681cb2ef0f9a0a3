"""The older query methods: rows without statuses, names instead of filters, facts about the cluster."""

import pytest

from impl.expressions import FilterSyntaxError
from impl.query.classic import classic_query, query_cluster_info, query_config_values, query_tags
from impl.query.model import QueryError
from tests.impl.clusters import uuid
from tests.impl.query.fakes import FakeSource, office


@pytest.fixture
def source() -> FakeSource:
    return office()


def test_classic_queries(source: FakeSource) -> None:
    assert classic_query("node", [], ["name", "master"], source)[0] == ["node1.example.com", True]
    assert classic_query("node", ["node2", uuid(1, 3)], ["name"], source) == [
        ["node2.example.com"],
        ["node3.example.com"],
    ]
    assert classic_query("node", ["nosuch"], ["name"], source) == []
    with pytest.raises(QueryError) as caught:
        classic_query("instance", [], ["name", "nosuch", "zz"], source)
    assert caught.value.arguments == ("Unknown output fields selected: nosuch, zz", "wrong_input")
    with pytest.raises(QueryError, match="Sync queries are not allowed"):
        classic_query("node", [], ["name"], source, sync=True)


def test_tags_and_values(source: FakeSource) -> None:
    assert query_tags("cluster", "", source.view) == ["prod"]
    assert query_tags("node", "node1", source.view) == []
    with pytest.raises(QueryError, match="Node name nosuch not found"):
        query_tags("node", "nosuch", source.view)
    with pytest.raises(FilterSyntaxError, match='Invalid string value for type TagKind: "group"'):
        query_tags("group", "x", source.view)
    values = query_config_values(
        ["cluster_name", "master_node", "drain_flag", "zz"], source.view, drained=True, watcher_pause=None
    )
    assert values == ["cluster.example.com", "node1.example.com", True, None]


def test_what_has_no_value_is_null(source: FakeSource) -> None:
    source.config["nodes"][uuid(1, 1)]["offline"] = True
    assert classic_query("node", ["node1"], ["name", "mfree"], source) == [["node1.example.com", None]]


def test_facts_about_the_cluster(source: FakeSource) -> None:
    source.config["cluster"] |= {"primary_ip_family": 10, "data_collectors": {"load": {"active": 1, "interval": 5}}}
    info = query_cluster_info(source.view)
    assert (info["name"], info["config_version"], info["primary_ip_version"]) == ("cluster.example.com", 3_000_000, 6)
    assert (info["enabled_data_collectors"], info["data_collector_interval"]) == ({"load": True}, {"load": 5})
    assert (info["candidate_pool_size"], info["max_running_jobs"], info["hidden_os"]) == (10, 20, None)


def test_a_cluster_without_its_master_is_refused(source: FakeSource) -> None:
    source.config["cluster"]["master_node"] = "gone"
    with pytest.raises(QueryError, match="Cannot find node with UUID gone"):
        query_cluster_info(source.view)
    values = query_config_values(["master_node", "watcher_pause"], source.view, drained=False, watcher_pause=7.5)
    assert values == [None, 7.5]


def test_tags_of_each_kind(source: FakeSource) -> None:
    source.config["nodegroups"][uuid(2, 1)]["tags"] = ["g"]
    source.config["instances"][uuid(3, 1)]["tags"] = ["i"]
    assert query_tags("nodegroup", "default", source.view) == ["g"]
    assert query_tags("instance", "web1", source.view) == ["i"]
