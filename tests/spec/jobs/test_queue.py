"""The queue on small cases: submission, dependencies, choice, hand-over, cancel, death, archive, drain, restart."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.jobs.events import (
    Abort,
    Archive,
    AutoArchive,
    Cancel,
    Changed,
    ChangePriority,
    CleanLocks,
    Configure,
    Confirm,
    Died,
    Effect,
    Event,
    Fail,
    Launch,
    Move,
    NotStarted,
    Owned,
    Persist,
    Refused,
    Reply,
    SetDrain,
    SetDrainFile,
    Signal,
    Submit,
)
from spec.jobs.model import FilterRule, Job, Opcode, Status
from spec.jobs.properties import STATE_PROPERTIES, STEP_PROPERTIES
from spec.jobs.queue import Queue, choose, find, recovered, resolved, step
from spec.jobs.rules import job_status

NOW = (100, 0)
CLOSED = Queue(max_running=0)
"""A queue that starts nothing."""


def opcode(priority: int = 0, depends: Any = None, label: str | None = None) -> dict[str, Any]:
    """An opcode as submitted."""
    reason = [["user", label, 1]] if label else []
    return {"OP_ID": "OP_TEST_DELAY", "priority": priority, "depends": depends, "reason": reason}


def submit(*jobs: dict[str, Any], force: bool = False) -> Submit:
    """A submission of jobs of one opcode each."""
    return Submit(tuple((job,) for job in jobs), NOW, force)


def after(queue: Queue, *events: Event) -> Queue:
    """The queue after some events."""
    for event in events:
        queue, _ = step(queue, event, NOW)
    return queue


def ids(jobs: tuple[Job, ...]) -> list[int]:
    """The jobs' ids."""
    return [job.id for job in jobs]


def as_file(queue: Queue, job_id: int, *statuses: str) -> Job:
    """A running job as its process has written it: with these statuses of its opcodes."""
    job = find(queue.running, job_id)
    assert job is not None
    ops = tuple(replace(op, status=Status(status)) for op, status in zip(job.ops, statuses, strict=True))
    end = NOW if all(op.status.finalised for op in ops) else None
    return replace(job, ops=ops, end_timestamp=end, livelock=job.livelock)


def owned(queue: Queue, *job_ids: int) -> Queue:
    """The queue after these jobs' processes were confirmed."""
    return after(queue, *(Owned(job_id, f"lock{job_id}") for job_id in job_ids))


# -- submission


def test_ids_come_from_the_serial_and_are_answered_after_the_files_are_durable() -> None:
    queue, effects = step(Queue(serial=7, max_running=1), submit(opcode(), opcode()), NOW)
    assert [type(effect) for effect in effects] == [Persist, Reply, Persist, Launch]
    assert effects[1] == Reply([[True, 8], [True, 9]])
    assert isinstance(effects[0], Persist)
    assert (ids(effects[0].jobs), effects[0].serial) == ([8, 9], 9)
    assert (ids(queue.running), ids(queue.queued), queue.serial) == ([8], [9], 9)


def test_a_bad_job_does_not_spoil_the_others_and_takes_no_id() -> None:
    queue, effects = step(CLOSED, submit(opcode(depends=[[-1, []]]), opcode()), NOW)
    refused = "Relative dependency -1 points before the first job of the submission"
    assert effects[-1] == Reply([[False, refused], [True, 1]])
    assert ids(queue.queued) == [1]


def test_relative_dependencies_are_resolved_within_the_submission() -> None:
    queue = after(Queue(serial=10, max_running=0), submit(opcode(), opcode(depends=[[-1, ["success"]]])))
    assert queue.queued[1].ops[0].input["depends"] == [[11, ["success"]]]


@pytest.mark.parametrize(
    ("position", "known", "text"),
    [
        (0, [], "Relative dependency -1 points before the first job of the submission"),
        (1, [None], "Relative dependency -1 points to a job that was refused"),
    ],
)
def test_relative_dependencies_that_lead_nowhere(position: int, known: list[int | None], text: str) -> None:
    assert resolved([opcode(depends=[[-1, []]])], position, known) == Refused(text)


def test_a_job_without_opcodes_has_ended_at_once() -> None:
    queue, effects = step(Queue(), Submit(((),), NOW), NOW)
    assert (ids(queue.ended), effects[-1]) == ([1], Reply([[True, 1]]))


def test_a_drained_queue_refuses_all_but_forced_submissions() -> None:
    queue, effects = step(CLOSED, SetDrain(True), NOW)
    assert effects == (SetDrainFile(True), Reply(True))
    assert step(queue, submit(opcode()), NOW) == (queue, (Fail("GenericError", ("Queue drained",)),))
    assert ids(after(queue, submit(opcode(), force=True)).queued) == [1]


def test_a_full_queue_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spec.jobs.queue.QUEUE_LIMIT", 2)
    queue = after(CLOSED, submit(opcode()))
    refused, effects = step(queue, submit(opcode(), opcode()), NOW)
    assert refused == queue
    assert effects == (Fail("JobQueueFull", ("The job queue holds 1 jobs: try again later",)),)
    assert ids(after(queue, submit(opcode())).queued) == [1, 2]


# -- dependencies


def test_a_dependent_job_starts_when_the_other_ended_as_accepted() -> None:
    queue = owned(after(Queue(), submit(opcode(), opcode(depends=[[-1, ["success"]]]))), 1)
    assert (ids(queue.running), ids(queue.queued)) == ([1], [2])
    queue, effects = step(queue, Changed(as_file(queue, 1, "success")), NOW)
    assert Launch(2) in effects
    assert (ids(queue.ended), ids(queue.running)) == ([1], [2])


@pytest.mark.parametrize(
    ("end", "accepted", "verdict", "text"),
    [
        ("error", ["success"], "error", "finished with status 'error', not one of 'success' as required"),
        ("canceled", ["success"], "canceled", "Dependency job 1 was cancelled"),
        ("canceled", [], "canceled", "Dependency job 1 was cancelled"),
        ("error", [], None, ""),
        ("error", ["error", "success"], None, ""),
        ("canceled", ["canceled"], None, ""),
    ],
)
def test_what_an_ended_dependency_makes_of_a_job(end: str, accepted: list[str], verdict: str | None, text: str) -> None:
    queue = owned(after(Queue(), submit(opcode(), opcode(depends=[[-1, accepted]]))), 1)
    queue = after(queue, Changed(as_file(queue, 1, end)))
    if verdict is None:
        assert ids(queue.running) == [2]
        return
    job = find(queue.ended, 2)
    assert job is not None
    assert job_status(job) == verdict
    assert text in str(job.ops[0].result)


@pytest.mark.parametrize(
    ("target", "text"), [(1, "Job can't depend on itself"), (9, "Dependency error: Job 9 not found")]
)
def test_a_dependency_that_can_never_be_fulfilled(target: int, text: str) -> None:
    queue = after(Queue(), submit(opcode(depends=[[target, []]])))
    assert queue.ended[0].ops[0].result == ["OpExecError", [text]]


def test_the_dependents_of_a_canceled_job_are_canceled_in_turn() -> None:
    queue = after(CLOSED, submit(opcode(), opcode(depends=[[-1, []]]), opcode(depends=[[-1, []]])), Cancel(1, NOW))
    assert [str(job_status(job)) for job in queue.ended] == ["canceled"] * 3


# -- choice


def test_the_most_urgent_and_among_equals_the_oldest_is_chosen() -> None:
    queue = after(CLOSED, submit(opcode(10), opcode(-10), opcode(-10)))
    assert [job.id for job in (choose(queue),) if job] == [2]
    assert ids(after(queue, Configure(2, ())).running) == [2, 3]


def test_no_more_run_than_may() -> None:
    queue = after(Queue(max_running=2), submit(*[opcode()] * 3))
    assert (ids(queue.running), ids(queue.queued)) == ([1, 2], [3])
    assert ids(after(queue, Configure(1, ())).running) == [1, 2], "a lower limit stops nobody"


def filter_rule(action: str, limit: int = 0) -> FilterRule:
    """A filter of every job."""
    return FilterRule("u", 0, 0, (("jobid", [">", "id", 0]),), action, limit)


@pytest.mark.parametrize(
    ("rule", "running", "queued", "ended"),
    [
        (filter_rule("ACCEPT"), [1, 2], [], []),
        (filter_rule("CONTINUE"), [1, 2], [], []),
        (filter_rule("PAUSE"), [], [1, 2], []),
        (filter_rule("REJECT"), [], [], [1, 2]),
        (filter_rule("RATE_LIMIT", 1), [1], [2], []),
    ],
)
def test_filters(rule: FilterRule, running: list[int], queued: list[int], ended: list[int]) -> None:
    queue = after(Queue(rules=(rule,)), submit(opcode(), opcode()))
    assert (ids(queue.running), ids(queue.queued), ids(queue.ended)) == (running, queued, ended)
    assert all(job_status(job) == Status.CANCELED for job in queue.ended)


def test_an_ad_hoc_rate_limit_counts_the_running_jobs_of_its_label() -> None:
    limited = opcode(label="rate-limit:1:backup")
    queue = after(Queue(), submit(limited, limited, opcode()))
    assert (ids(queue.running), ids(queue.queued)) == ([1, 3], [2])


# -- hand-over


def test_a_started_job_names_the_daemons_live_lock_until_its_process_is_confirmed() -> None:
    queue = after(Queue(), submit(opcode()))
    assert (queue.running[0].livelock, queue.starting) == ("luxid", frozenset({1}))
    queue, effects = step(queue, Owned(1, "/run/job1"), NOW)
    assert effects == (Persist(queue.running), Confirm(1))
    assert (queue.running[0].livelock, queue.starting) == ("/run/job1", frozenset())


def test_a_process_of_a_job_that_is_not_being_started_is_sent_away() -> None:
    queue = owned(after(Queue(), submit(opcode())), 1)
    assert step(queue, Owned(1, "/run/other"), NOW) == (queue, (Abort(1),))
    assert step(queue, Owned(99, "/run/other"), NOW) == (queue, (Abort(99),))


def test_a_broken_hand_over_is_tried_again() -> None:
    queue, effects = step(after(Queue(), submit(opcode())), NotStarted(1, NOW), NOW)
    assert [type(effect) for effect in effects] == [Persist, Persist, Launch]
    assert (ids(queue.running), queue.starting) == ([1], frozenset({1}))


def test_a_job_that_cannot_be_started_fails_with_the_reason() -> None:
    queue = after(Queue(), submit(opcode()), NotStarted(1, NOW, "no memory"))
    assert (queue.running, queue.ended[0].ops[0].result) == ((), "job 1 failed to start: no memory")


# -- running, cancel, priority, death


def test_a_running_job_that_ended_frees_its_slot_at_once() -> None:
    queue = owned(after(Queue(max_running=1), submit(opcode(), opcode())), 1)
    queue, effects = step(queue, Changed(as_file(queue, 1, "success")), NOW)
    assert (ids(queue.ended), ids(queue.running)) == ([1], [2])
    assert Launch(2) in effects


def test_a_queued_job_is_canceled_at_once() -> None:
    queue, effects = step(after(CLOSED, submit(opcode())), Cancel(1, NOW), NOW)
    assert effects == (Persist(queue.ended), Reply([True, "Dequeued job 1"]))
    assert job_status(queue.ended[0]) == Status.CANCELED


@pytest.mark.parametrize(("kill", "kind"), [(False, "cancel"), (True, "kill")])
def test_a_started_job_is_asked_to_cancel_itself(kill: bool, kind: str) -> None:
    queue = owned(after(Queue(), submit(opcode())), 1)
    assert step(queue, Cancel(1, NOW, kill), NOW) == (queue, (Signal(1, kind),))


def test_an_unknown_job_is_neither_canceled_nor_reprioritised() -> None:
    for event in (Cancel(4, NOW), ChangePriority(4, 1)):
        assert step(Queue(), event, NOW) == (Queue(), (Reply([False, "Job 4 not found in queue"]),))


def test_a_queued_jobs_priority_is_changed_in_its_file_a_running_ones_by_a_signal() -> None:
    queue, effects = step(after(CLOSED, submit(opcode())), ChangePriority(1, -5), NOW)
    text = "Priorities of pending opcodes for job 1 have been changed to -5"
    assert effects == (Persist(queue.queued), Reply([True, text]))
    assert queue.queued[0].ops[0].priority == -5
    queue = owned(after(Queue(), submit(opcode())), 1)
    assert step(queue, ChangePriority(1, -5), NOW) == (queue, (Signal(1, "priority", -5),))


def test_a_death_fails_the_job_frees_its_slot_and_is_reported_to_wconfd() -> None:
    queue = owned(after(Queue(max_running=1), submit(opcode(), opcode())), 1)
    queue, effects = step(queue, Died(as_file(queue, 1, "running"), NOW), NOW)
    assert [type(effect) for effect in effects] == [Persist, CleanLocks, Persist, Launch]
    assert (job_status(queue.ended[0]), ids(queue.running)) == (Status.ERROR, [2])


def test_the_death_of_a_job_that_had_ended_leaves_its_file_alone() -> None:
    queue = owned(after(Queue(), submit(opcode())), 1)
    queue, effects = step(queue, Died(as_file(queue, 1, "success"), NOW), NOW)
    assert (effects, job_status(queue.ended[0])) == ((CleanLocks(),), Status.SUCCESS)


# -- archive


def test_only_what_has_ended_is_archived() -> None:
    queue = after(CLOSED, submit(opcode(), opcode()), Cancel(1, NOW))
    assert step(queue, Archive(2), NOW) == (queue, (Reply(False),))
    queue, effects = step(queue, Archive(1), NOW)
    assert (effects, ids(queue.archived), queue.ended) == ((Move((1,)), Reply(True)), [1], ())


def test_automatic_archiving_stops_at_its_limit_and_says_how_many_are_left() -> None:
    queue = after(CLOSED, submit(*[opcode()] * 3), *(Cancel(number, NOW) for number in (1, 2, 3)))
    queue, effects = step(queue, AutoArchive(None, limit=2), NOW)
    assert effects == (Move((1, 2)), Reply([2, 1]))
    assert step(queue, AutoArchive(NOW), NOW) == (queue, (Reply([0, 0]),)), "job 3 ended now, not before"


# -- restart


def test_a_restart_adopts_the_living_fails_the_dead_and_queues_what_never_ran() -> None:
    def on_disk(number: int, status: str, livelock: str | None) -> Job:
        return Job(number, (Opcode({}, status=Status(status)),), livelock=livelock)

    files = [
        on_disk(6, "queued", "alive"),
        on_disk(5, "success", "dead"),
        on_disk(4, "queued", None),
        on_disk(3, "queued", "luxid"),
        on_disk(2, "running", "dead"),
        on_disk(1, "running", "alive"),
    ]
    queue, rewritten = recovered(Queue(serial=4), files, frozenset({"dead", "luxid"}), NOW)
    assert (ids(queue.running), ids(queue.queued), ids(queue.ended)) == ([1, 6], [3, 4], [2, 5])
    assert [str(job_status(job)) for job in queue.ended] == ["error", "success"]
    assert ids(rewritten) == [2, 3]
    assert queue.serial == 6, "no id is given out twice, though the serial's file is old"


def test_a_job_that_died_between_two_opcodes_is_not_run_again() -> None:
    half = Job(1, (Opcode({}, status=Status.SUCCESS), Opcode({})), livelock="dead")
    queue, _ = recovered(Queue(serial=1), [half], frozenset({"dead"}), NOW)
    assert (queue.queued, job_status(queue.ended[0])) == ((), Status.ERROR)


# -- what must hold, on random histories

numbers = st.integers(1, 5)
accepted = st.sampled_from([[], ["success"]])
depends = st.builds(lambda target, statuses: [[target, statuses]], st.integers(-1, 4), accepted)
opcodes = st.builds(
    opcode, st.sampled_from([-10, 0, 10]), st.one_of(st.none(), depends), st.sampled_from([None, "rate-limit:1:a"])
)


@st.composite
def events(draw: st.DrawFn, queue: Queue) -> Event:
    """An event that fits the queue."""
    started = sorted(queue.starting)
    under_way = [job for job in queue.running if job.id not in queue.starting]
    kinds = ["submit", "cancel", "priority", "archive", "auto", "drain", "configure"]
    kinds += ["owned", "not started"] * bool(started) + ["changed", "died"] * bool(under_way)
    match draw(st.sampled_from(kinds)):
        case "submit":
            return submit(*draw(st.lists(opcodes, min_size=1, max_size=2)), force=draw(st.booleans()))
        case "cancel":
            return Cancel(draw(numbers), NOW)
        case "priority":
            return ChangePriority(draw(numbers), draw(st.integers(-2, 2)))
        case "archive":
            return Archive(draw(numbers))
        case "auto":
            return AutoArchive(None, draw(st.sampled_from([None, 1])))
        case "drain":
            return SetDrain(draw(st.booleans()))
        case "configure":
            rules = draw(st.sampled_from([(), (filter_rule("PAUSE"),), (filter_rule("RATE_LIMIT", 1),)]))
            return Configure(draw(st.integers(0, 2)), rules)
        case "owned":
            number = draw(st.sampled_from(started))
            return Owned(number, f"lock{number}")
        case "not started":
            return NotStarted(draw(st.sampled_from(started)), NOW, draw(st.sampled_from([None, "why"])))
        case kind:
            job = draw(st.sampled_from(under_way))
            file = as_file(queue, job.id, draw(st.sampled_from(["waiting", "running", "success", "error"])))
            return Died(file, NOW) if kind == "died" else Changed(file)


@given(st.data())
def test_every_history_keeps_the_properties(data: st.DataObject) -> None:
    queue = Queue(max_running=1)
    for _ in range(data.draw(st.integers(0, 12))):
        event = data.draw(events(queue))
        now, effects = step(queue, event, NOW)
        violations: list[str | None] = [holds(now) for holds in STATE_PROPERTIES.values()]
        violations += [holds(queue, event, now, effects) for holds in STEP_PROPERTIES.values()]
        assert [text for text in violations if text is not None] == []
        queue = now


@given(st.data())
def test_a_step_is_a_function(data: st.DataObject) -> None:
    """The same queue and event give the same answer, and the queue given stays as it is."""
    queue = after(Queue(max_running=1), submit(opcode(), opcode(depends=[[-1, []]])))
    event = data.draw(events(queue))
    first: tuple[Queue, tuple[Effect, ...]] = step(queue, event, NOW)
    assert step(queue, event, NOW) == first
