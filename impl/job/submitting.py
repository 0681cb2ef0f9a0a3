"""Jobs that submit jobs: inheriting what the parent was given, and answering ids or errors in order.

Source: Ganeti 3.0.2: jobs submitted by an opcode inherit its priority, dry-run wish and debug level unless they say
otherwise, and their reason trail goes on from its.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from impl.wire.client import Client

Op = Mapping[str, Any]

INHERITED = ("dry_run", "debug_level", "priority")


def inherit(parent: Op, op: Op, now_ns: int) -> dict[str, Any]:
    """The opcode with what it inherits.

    Args:
        parent: the opcode that submits.
        op: the opcode to be submitted.
        now_ns: nanoseconds since the epoch, for the reason trail.
    """
    inherited = {name: parent[name] for name in INHERITED if parent.get(name) is not None}
    trail = [*(parent.get("reason") or ()), *(op.get("reason") or ())]
    source = "gnt:opcode:" + str(parent["OP_ID"]).removeprefix("OP_").lower()
    return {**inherited, **op, "reason": [*trail, [source, "submitted by opcode", now_ns]]}


def submit_jobs(socket_path: str, parent: Op, jobs: Sequence[Sequence[Op]]) -> list[list[Any]]:
    """Submit jobs over LUXI.

    Returns:
        Per job: true and its id, or false and what is wrong with it.

    Raises:
        UnreachableError: luxid does not answer. Whether it took the jobs is then not known.
        PeerError: it refused them all, for example because the queue is drained.
    """
    if not jobs:
        return []
    now_ns = time.time_ns()
    with Client(socket_path) as client:
        prepared = [[inherit(parent, op, now_ns) for op in job] for job in jobs]
        answers: list[list[Any]] = client.call("SubmitManyJobs", prepared)
    return answers
