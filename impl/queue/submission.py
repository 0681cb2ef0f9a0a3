"""Relative dependencies of jobs that are submitted together, made absolute. Twin of `spec.jobs.queue.resolved`."""

from collections.abc import Mapping, Sequence
from typing import Any

from spec.jobs.events import Refused


def resolved(
    inputs: Sequence[Mapping[str, Any]], position: int, ids: Sequence[int | None]
) -> tuple[Mapping[str, Any], ...] | Refused:
    """Return the opcodes of the job at `position` with relative dependencies made absolute, or why that cannot be."""
    if not any(value.get("depends") for value in inputs):
        return tuple(inputs)
    result: list[Mapping[str, Any]] = []
    for value in inputs:
        absolute: list[list[Any]] = []
        for target, statuses in value.get("depends") or ():
            found: int | None = target
            if target < 0:
                if position + target < 0:
                    return Refused(f"Relative dependency {target} points before the first job of the submission")
                found = ids[position + target]
                if found is None:
                    return Refused(f"Relative dependency {target} points to a job that was refused")
            absolute.append([found, statuses])
        result.append({**value, "depends": absolute} if absolute else value)
    return tuple(result)
