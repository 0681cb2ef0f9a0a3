"""Bugs planted where clusters in iallocator requests are read; the comparison with spec must find each."""

from collections.abc import Callable
from pathlib import Path

import pytest

from htools.commandline import loading
from htools.model.cluster import Model
from htools.model.instance import InstanceModel
from htools.model.node import NodeModel
from htools.placement import redundancy
from tests.htools.commandline.test_loading import disagreement, write_requests
from tests.htools.model.test_cluster import assert_same, on_one_node_twice


def read_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(loading, "_from_request", lambda _: False)


def needs_kept_from_the_first_reading(patch: pytest.MonkeyPatch) -> None:
    settle = NodeModel.settle

    def keeping(self: NodeModel, instances: dict[int, object]) -> None:
        peers = self.peers
        settle(self, instances)  # type: ignore[arg-type]
        for peer, memory in peers:
            self._set_need(peer, self.need_of(peer) + memory)

    patch.setattr(NodeModel, "settle", keeping)


def twins_fail_over_at_once(patch: pytest.MonkeyPatch) -> None:
    """An instance listed twice on a node is moved back by its second entry."""
    evacuable = redundancy.evacuable

    def unique(model: Model, groups: object, node: NodeModel) -> bool:
        copy = node.copy()
        copy.primaries = list(dict.fromkeys(node.primaries))
        return evacuable(model, groups, copy)  # type: ignore[arg-type]

    patch.setattr(redundancy, "evacuable", unique)


BUGS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    read_once,
    needs_kept_from_the_first_reading,
    twins_fail_over_at_once,
)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bug: Callable[[pytest.MonkeyPatch], None]
) -> None:
    paths = write_requests(tmp_path)
    bug(monkeypatch)
    assert any(disagreement(path) for path in paths)


def test_a_node_that_counts_both_roles_of_an_instance_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found_secondary = NodeModel.found_secondary

    def both(self: NodeModel, vm: InstanceModel) -> None:
        if vm.primary == self.index:
            self.found_primary(vm)
        found_secondary(self, vm)

    monkeypatch.setattr(NodeModel, "found_secondary", both)
    with pytest.raises(AssertionError):
        assert_same(*on_one_node_twice())
