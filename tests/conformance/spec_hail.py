"""hail by the specification alone, all requests: slow, and the same text as Ganeti's."""

from dataclasses import replace

from htools.backends.iallocator import parse
from htools.iallocator.as_specified import answer_as_specified
from spec.allocator.requests import Limits


def spec_hail(data: bytes, limits: Limits = Limits(), static_memory: int = 4096) -> str:  # noqa: B008 - frozen
    """Return the answer to a request."""
    cluster, request = parse(data)
    nodes = cluster.nodes
    if static_memory:
        nodes = tuple(replace(n, node_memory=static_memory) if n.hypervisor == "kvm" else n for n in nodes)
    return answer_as_specified(replace(cluster, nodes=nodes), request, limits)[0]
