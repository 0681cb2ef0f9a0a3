"""Reported free amounts follow what moves."""

from typing import Any

import pytest

from impl.cluster.change import apply, drop, put
from impl.cluster.view import ClusterView
from impl.hypervisor.accounting import with_reports
from tests.impl.clusters import GIB, make_config, uuid

N1, N2 = uuid(1, 1), uuid(1, 2)
WEB = uuid(3, 1)


@pytest.fixture
def config() -> dict[str, Any]:
    return make_config(instances={"web1": (1, 2), "web2": (2, None)})


def reported(config: dict[str, Any], node: str) -> tuple[Any, Any]:
    facts = config["nodes"][node]["gantry"]
    return facts.get("memory_free_reported"), facts.get("disk_free_reported")


def test_a_move_changes_the_reports_by_what_it_frees_and_takes(config: dict[str, Any]) -> None:
    config["nodes"][N1]["gantry"] |= {"memory_free_reported": 50 * GIB, "disk_free_reported": 900 * GIB}
    config["nodes"][N2]["gantry"] |= {"memory_free_reported": 40 * GIB}
    view = ClusterView(config)
    change = put("instances", {**config["instances"][WEB], "primary_node": N2})
    after = apply(config, with_reports(view, change), 1.0)
    assert reported(after, N1) == (52 * GIB, 900 * GIB)
    assert reported(after, N2) == (38 * GIB, None)
    removed = apply(config, with_reports(view, drop("instances", WEB)), 1.0)
    assert reported(removed, N1) == (52 * GIB, 910 * GIB + 128)


def test_a_change_that_moves_nothing_is_as_it_was(config: dict[str, Any]) -> None:
    change = put("nodes", {**config["nodes"][N2], "drained": True})
    assert with_reports(ClusterView(config), change) is change, "no node reports"
    config["nodes"][N1]["gantry"] |= {"memory_free_reported": 1}
    assert with_reports(ClusterView(config), change) == change
    assert with_reports(ClusterView(config), drop("nodes", N1)).drop == {"nodes": {N1}}
