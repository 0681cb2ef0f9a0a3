"""The texts of hail's answers: descriptions of outcomes, group by group, and the JSON object around them.

Source: the answers of hail 3.0.2, letter for letter, because Ganeti shows and logs them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from spec.allocator.cluster import Group
from spec.allocator.decisions import FailMode


def description(failures: Mapping[FailMode, int], successes: int, best: tuple[str, Sequence[str]] | None) -> str:
    """Describe the outcome of trying all candidates.

    Args:
        failures: how many candidates failed for each reason.
        successes: how many succeeded.
        best: the best one's metric as text and the names of its nodes.
    """
    reasons = ", ".join(f"{mode.value}: {failures[mode]}" for mode in FailMode if failures.get(mode))
    if best is None:
        return f"No valid allocation solutions, failure reasons: {reasons or 'unknown reasons'}"
    metric, nodes = best
    total = sum(failures.values())
    return f"score: {metric}, successes {successes}, failures {total} ({reasons}) for node(s) {'/'.join(nodes)}"


def group_message(group: Group, text: str, *, error: bool = False) -> str:
    """Return the message about one group."""
    if error:
        return f"Group {group.name}: error {text}"
    return f"Group {group.name} ({group.alloc_policy.value}): {text}"


def disconnected_message(group: Group, instance: str) -> str:
    """Return the message about a group that lacks a network."""
    return f"group {group.name} is not connected to a network required by instance {instance}"


def unconnected_group_error(group: Group, instance: str) -> str:
    """Return the error for a requested group that lacks a network."""
    return f"The group {group.name} is not connected to a network required by instance {instance}"


def selected(group: Group, messages: Iterable[str]) -> str:
    """Return the message about the chosen group."""
    return ", ".join([f"Selected group: {group.name}", *messages])


def metric_text(metric: tuple[Sequence[int], int]) -> str:
    """Format the metric of dedicated placement."""
    lost, disk = metric
    return f"([{','.join(map(str, lost))}],{disk})"


def response(*, success: bool, info: str, result: Any, **more: Any) -> str:
    """Return the answer as one line of JSON."""
    head = "Request successful: " if success else "Request failed: "
    return msgspec.json.encode({"success": success, "info": head + info, "result": result, **more}).decode()
