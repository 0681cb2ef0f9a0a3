"""Jobs that submit jobs: what they inherit, and ids or errors in order.

Source: Ganeti 3.0.2: jobs submitted by an opcode inherit its priority, dry run and debug level unless they say
otherwise, and their reason trail continues its trail.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from impl.wire.client import Client, NotDeliveredError

Op = Mapping[str, Any]

INHERITED = ("dry_run", "debug_level", "priority")


def inherit(parent: Op, op: Op, now_ns: int) -> dict[str, Any]:
    """Return the opcode with what it inherits.

    Args:
        parent: the opcode that submits.
        op: the opcode to be submitted.
        now_ns: nanoseconds since the epoch, for the reason trail.
    """
    inherited = {name: parent[name] for name in INHERITED if parent.get(name) is not None}
    trail = [*(parent.get("reason") or ()), *(op.get("reason") or ())]
    source = "gnt:opcode:" + str(parent["OP_ID"]).removeprefix("OP_").lower()
    return {**inherited, **op, "reason": [*trail, [source, "submitted by opcode", now_ns]]}


CONNECT_SECONDS = 60.0
"""How long luxid may be away before a job that submits jobs fails."""

_PAUSE = 0.1


def _submit(socket_path: str, jobs: Sequence[Sequence[Op]]) -> list[list[Any]]:
    """Submit to luxid; wait for one that is just being restarted, as long as it has not read the request."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            with Client(socket_path) as client:
                answers: list[list[Any]] = client.call("SubmitManyJobs", jobs)
                return answers
        except NotDeliveredError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


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
    return _submit(socket_path, [[inherit(parent, op, now_ns) for op in job] for job in jobs])
