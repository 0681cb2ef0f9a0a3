"""Asking an instance allocator: which one, and what its refusal means for the opcode."""

from collections.abc import Mapping, Sequence
from typing import Any

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.job.allocation import cluster_data
from impl.job.allocator import AllocatorError
from impl.job.errors import NO_RESOURCES, TEMPORARILY_NO_RESOURCES, WRONG_INPUT, PrerequisiteError
from impl.job.unit import Context


def default_allocator(view: ClusterView, name: str | None) -> str:
    """Return the named allocator, or the cluster's.

    Raises:
        PrerequisiteError: neither is there.
    """
    program = name if name not in {None, "."} else view.cluster.get("default_iallocator")
    if not program:
        raise PrerequisiteError("No iallocator was specified, and the cluster has no default: give one", WRONG_INPUT)
    return str(program)


def ask_allocator(
    context: Context, program: str, request: Mapping[str, Any], what: str, options: Sequence[str] = ()
) -> Any:
    """Ask an allocator about the cluster as the opcode sees it.

    Args:
        context: the opcode's.
        program: the allocator.
        request: what is asked.
        what: what it is to find, for the refusal.
        options: words for its command line.

    Raises:
        PrerequisiteError: it found no solution; for now only, if it was not shown all nodes.
    """
    try:
        return context.allocate(program, cluster_data(context.view, ConfiguredObserver(), request), options)
    except AllocatorError as error:
        code = NO_RESOURCES if context.nodes_taken is None else TEMPORARILY_NO_RESOURCES
        raise PrerequisiteError(f"Can't compute {what} using iallocator '{program}': {error.reason}", code) from None
