"""Keeping reported free amounts true while instances move. Pure.

A node whose configuration holds what it *reported* as free (rather than leaving it to be derived) keeps the difference
between report and instances: what a change frees or takes is added to the report.
"""

from collections.abc import Iterable
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, apply, put, together
from impl.cluster.view import ClusterView
from impl.hypervisor.facts import HARDWARE, disk_used, hardware, memory_used

_REPORTS = (("memory_free_reported", memory_used), ("disk_free_reported", disk_used))


def with_reports(view: ClusterView, change: Change) -> Change:
    """Return the change, and what it does to the reports of the nodes that it touches."""
    reporting = [node for node in view.nodes.values() if any(key in hardware(node) for key, _ in _REPORTS)]
    if not reporting or not change:
        return change
    after = ClusterView(apply(view.config, change, 0.0))
    return together([change, *_updates(view, after, (str(node["uuid"]) for node in reporting))])


def _updates(before: ClusterView, after: ClusterView, nodes: Iterable[str]) -> Iterable[Change]:
    for uuid in nodes:
        if uuid not in after.nodes:
            continue
        node = after.nodes[uuid]
        facts: dict[str, Any] = dict(hardware(node))
        for key, used in _REPORTS:
            if key in facts:
                facts[key] = int(facts[key]) + used(before, uuid) - used(after, uuid)
        yield put("nodes", {**node, HARDWARE: facts}) if facts != hardware(node) else NO_CHANGE
