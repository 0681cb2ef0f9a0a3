from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.job.errors import PrerequisiteError
from impl.job.units.common import (
    check_backend,
    check_disk,
    check_memory,
    check_online,
    check_target,
    expand,
    some_nodes,
    with_both_memories,
)
from tests.impl.clusters import GIB, make_config, uuid


@pytest.fixture
def view() -> ClusterView:
    config = make_config(instances={"web1": (1, 2)})
    config["nodes"][uuid(1, 2)]["offline"] = True
    config["nodes"][uuid(1, 3)]["drained"] = True
    config["nodes"][uuid(1, 4)]["vm_capable"] = False
    return ClusterView(config)


def test_nodes_in_service_may_be_locked_opportunistically(view: ClusterView) -> None:
    found = some_nodes(view, 2)
    assert (found.nodes, found.at_least) == ((uuid(1, 1), uuid(1, 4)), 2)
    with pytest.raises(PrerequisiteError, match="Only 2 nodes are in service, 3 are needed"):
        some_nodes(view, 3)
    view.cluster["gantry"] |= {"opportunistic_at_least": 1, "opportunistic_seconds": 2.5}  # type: ignore[index]
    found = some_nodes(view, 2)
    assert (found.at_least, found.patience) == (1, 2.5)


@pytest.mark.parametrize(
    ("number", "online", "target"),
    [(1, None, None), (2, "offline node node2", "offline"), (3, None, "drained node node3"), (4, None, "can't host")],
)
def test_nodes_that_may_be_used_and_that_may_get_instances(
    view: ClusterView, number: int, online: str | None, target: str | None
) -> None:
    for check, said in ((check_online, online), (check_target, target)):
        if said is None:
            assert check(view, uuid(1, number))["uuid"] == uuid(1, number)
        else:
            with pytest.raises(PrerequisiteError, match=said):
                check(view, uuid(1, number))


def test_room_on_a_node(view: ClusterView) -> None:
    check_memory(view, uuid(1, 1), 61 * GIB, "it")
    with pytest.raises(PrerequisiteError, match=f"Not enough memory on node node1.*needed {61 * GIB + 1} MiB"):
        check_memory(view, uuid(1, 1), 61 * GIB + 1, "it")
    check_disk(view, uuid(1, 3), 1000 * GIB, "it")
    with pytest.raises(PrerequisiteError, match="Not enough disk space"):
        check_disk(view, uuid(1, 3), 1000 * GIB + 1, "it")
    del view.nodes[uuid(1, 3)]["gantry"]  # type: ignore[attr-defined]
    with pytest.raises(PrerequisiteError, match="Can't compute free disk space"):
        check_disk(ClusterView(view.config), uuid(1, 3), 1, "it")


def test_names_are_expanded_and_compared_with_uuids(view: ClusterView) -> None:
    op: dict[str, Any] = {"node_name": "node1"}
    full = {"node_name": "node1.example.com", "node_uuid": uuid(1, 1)}
    assert expand(op, view, "node", "node_name", "node_uuid") == full
    assert expand(full, view, "node", "node_name", "node_uuid") == full
    assert expand({}, view, "node", "node_name", "node_uuid") == {}
    with pytest.raises(PrerequisiteError, match="does not have the UUID"):
        expand({**op, "node_uuid": uuid(1, 2)}, view, "node", "node_name", "node_uuid")
    with pytest.raises(PrerequisiteError, match="Node 'x' not known"):
        expand({"node_name": "x"}, view, "node", "node_name", "node_uuid")


def test_the_old_name_of_memory_stands_for_both() -> None:
    given = {"memory": 5, "vcpus": 1}
    assert with_both_memories(given) == {"maxmem": 5, "minmem": 5, "vcpus": 1}
    assert given == {"memory": 5, "vcpus": 1}
    assert with_both_memories({"maxmem": 1}) == {"maxmem": 1}


GOOD = {"maxmem": 2, "minmem": 1, "vcpus": 1}


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("value", [0, -1, True, "1", None, 1.0])
def test_backend_parameters_are_positive_numbers(name: str, value: Any) -> None:
    check_backend(GOOD)
    with pytest.raises(PrerequisiteError, match=f"Backend parameter {name} must be a positive number"):
        check_backend(GOOD | {name: value})


def test_the_memories_do_not_exclude_each_other() -> None:
    check_backend(GOOD | {"minmem": 2})
    with pytest.raises(PrerequisiteError, match="Minimum memory must not exceed maximum memory"):
        check_backend(GOOD | {"minmem": 3})
