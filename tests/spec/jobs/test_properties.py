"""What must hold of the queue: each property finds a queue or a step that breaks it."""

from dataclasses import replace

from spec.jobs.model import Job, Opcode, Status
from spec.jobs.properties import lost
from spec.jobs.queue import Queue


def test_what_a_restart_may_not_lose() -> None:
    ran = Job(1, (Opcode({}, status=Status.RUNNING),))
    ended = Job(2, (Opcode({}, status=Status.SUCCESS),))
    waiting = Job(3, (Opcode({}),))
    before = Queue(3, running=(ran,), ended=(ended,), queued=(waiting,))
    assert lost(before, before) is None
    assert lost(before, replace(before, queued=())) == "job 3 is gone"
    assert lost(before, replace(before, serial=2)) == "the serial fell from 3 to 2"
    assert (
        lost(before, replace(before, queued=(waiting, ran), running=())) == "job 1 had begun to run and is queued again"
    )
    failed = replace(ended, ops=(replace(ended.ops[0], status=Status.ERROR),))
    assert lost(before, replace(before, ended=(failed,))) == "job 2 had ended as success and is error"
