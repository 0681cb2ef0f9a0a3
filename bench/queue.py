"""The cost of a scheduling step as the queue grows: submit, finish and start, cancel; microseconds per step."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from impl.queue.queue import JobQueue
from spec.jobs.events import Cancel, Changed, Owned, Submit
from spec.jobs.model import Status

SIZES = (100, 1_000, 10_000, 50_000)
NOW = (1, 0)
STEPS = 300


def op(**more: Any) -> dict[str, Any]:
    """Return an opcode's input as the daemon validates it."""
    return {"OP_ID": "OP_TEST_DELAY", "priority": 0, "depends": None, "reason": [], **more}


def filled(size: int) -> JobQueue:
    """Return a queue with so many jobs waiting and twenty running; some depend on others, some are rate-limited."""
    queue = JobQueue()
    kinds = []
    for number in range(size + 20):
        if number % 10 == 5 and number > 20:
            kinds.append((op(depends=[[number, ["success"]]]),))
        elif number % 100 == 7:
            kinds.append((op(reason=[["user", "rate-limit:1:backup", 0]]),))
        else:
            kinds.append((op(),))
    queue.max_running = 0
    for begin in range(0, len(kinds), 1000):
        queue.step(Submit(tuple(kinds[begin : begin + 1000]), NOW), NOW)
    queue.max_running = 20
    queue.step(Cancel(1, NOW), NOW)
    for job_id in list(queue.starting):
        queue.step(Owned(job_id, f"/{job_id}"), NOW)
    return queue


def _finish(queue: JobQueue) -> None:
    job = next(iter(queue.running.values()))
    if job.id in queue.starting:
        queue.step(Owned(job.id, f"/{job.id}"), NOW)
        job = queue.running[job.id]
    queue.step(Changed(replace(job, ops=tuple(replace(o, status=Status.SUCCESS) for o in job.ops))), NOW)


KINDS: dict[str, Callable[[JobQueue, int], object]] = {
    "submit": lambda queue, _: queue.step(Submit(((op(),),), NOW), NOW),
    "cancel": lambda queue, number: queue.step(Cancel(queue.serial - number, NOW), NOW),
    "finish and start": lambda queue, _: _finish(queue),
}


def each_step(sizes: Sequence[int]) -> dict[str, list[list[float]]]:
    """Return microseconds of processor time of every step, by kind and queue; the queues take turns, step by step."""
    queues = [filled(size) for size in sizes]
    found: dict[str, list[list[float]]] = {}
    for kind, step in KINDS.items():
        found[kind] = [[] for _ in sizes]
        for number in range(min(STEPS, min(sizes) // 2)):
            for queue, times in zip(queues, found[kind], strict=True):
                began = time.thread_time_ns()
                step(queue, number)
                times.append((time.thread_time_ns() - began) / 1000)
    return found


def costs(size: int) -> dict[str, float]:
    """Return microseconds of one step of each kind."""
    return {kind: statistics.fmean(times) for kind, (times,) in each_step([size]).items()}


def main() -> None:
    """Print the curve."""
    print(f"{'queued jobs':>12} {'submit':>10} {'cancel':>10} {'finish and start':>18}   (µs a step)")
    for size in SIZES:
        found = costs(size)
        print(f"{size:>12} {found['submit']:>10.1f} {found['cancel']:>10.1f} {found['finish and start']:>18.1f}")


if __name__ == "__main__":
    main()
