"""The clever queue against the plain one, side by side over random histories."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from impl.expressions import FilterSyntaxError
from impl.queue import filters as impl_filters
from impl.queue.queue import JobQueue
from spec.jobs import filters as spec_filters
from spec.jobs.events import (
    Archive,
    AutoArchive,
    Cancel,
    Changed,
    ChangePriority,
    Configure,
    Died,
    Event,
    Fail,
    NotStarted,
    Owned,
    Reply,
    SetDrain,
    Submit,
)
from spec.jobs.model import FilterRule, Job, Status, Timestamp
from spec.jobs.properties import STATE_PROPERTIES, STEP_PROPERTIES
from spec.jobs.queue import Queue, find, recovered, step
from spec.jobs.rules import job_status
from tests import budget
from tests.impl.queue.histories import advanced, op

LABELS = ("", "rate-limit:1:a", "rate-limit:2:b", "rate-limit:0:c", "rate-limit:x", "plain")


class Both(RuleBasedStateMachine):
    """Every event goes to both; states and effects must be the same afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = 1
        self.spec = Queue(max_running=2)
        self.impl = JobQueue(archived=self._archived)
        self.impl.max_running = 2

    def _archived(self, job_id: int) -> Status | None:
        job = find(self.spec.archived, job_id)
        return None if job is None else job_status(job)

    def _now(self) -> Timestamp:
        self.clock += 1
        return self.clock, 0

    def both(self, event: Event) -> None:
        now = self._now()
        before = self.spec
        expected, effects = step(before, event, now)
        got = self.impl.step(event, now)
        self.spec = expected
        assert got == effects
        for name, step_holds in STEP_PROPERTIES.items():
            assert step_holds(before, event, expected, effects) is None, name

    @rule(
        jobs=st.lists(
            st.lists(
                st.builds(
                    op,
                    priority=st.sampled_from((-10, 0, 10)),
                    depends=st.lists(
                        st.tuples(
                            st.integers(-3, 12),
                            st.lists(st.sampled_from(("success", "error", "canceled")), max_size=2, unique=True),
                        ).map(list),
                        max_size=2,
                    ),
                    reason=st.sampled_from(LABELS),
                    name=st.sampled_from(("OP_TEST_DELAY", "OP_TEST_DUMMY")),
                ),
                max_size=2,
            ).map(tuple),
            max_size=4,
        ).map(tuple),
        force=st.booleans(),
    )
    def submit(self, jobs: Any, force: bool) -> None:
        self.both(Submit(jobs, (self.clock, 0), force))

    @rule(pick=st.integers(0, 5), confirmed=st.booleans(), text=st.none() | st.just("no memory"))
    def hand_over(self, pick: int, confirmed: bool, text: str | None) -> None:
        starting = sorted(self.spec.starting)
        job_id = starting[pick % len(starting)] if starting else pick
        self.both(Owned(job_id, f"/l/{job_id}") if confirmed else NotStarted(job_id, (self.clock, 0), text))

    @rule(pick=st.integers(0, 5), outcome=st.sampled_from(("success", "error", "canceled", "running", "waiting")))
    def progress(self, pick: int, outcome: str) -> None:
        if self.spec.running:
            job = self.spec.running[pick % len(self.spec.running)]
            self.both(Changed(advanced(job, Status(outcome), self._now())))

    @rule(pick=st.integers(0, 5), outcome=st.sampled_from(("success", "running", "queued")))
    def die(self, pick: int, outcome: str) -> None:
        if self.spec.running:
            job = self.spec.running[pick % len(self.spec.running)]
            self.both(Died(advanced(job, Status(outcome), self._now()), (self.clock, 0)))

    @rule(job_id=st.integers(0, 12), kill=st.booleans())
    def cancel(self, job_id: int, kill: bool) -> None:
        self.both(Cancel(job_id, (self.clock, 0), kill))

    @rule(job_id=st.integers(0, 12), priority=st.integers(-20, 19))
    def reprioritise(self, job_id: int, priority: int) -> None:
        self.both(ChangePriority(job_id, priority))

    @rule(job_id=st.integers(0, 12))
    def archive(self, job_id: int) -> None:
        self.both(Archive(job_id))

    @rule(age=st.none() | st.integers(0, 50), limit=st.none() | st.integers(0, 3))
    def auto_archive(self, age: int | None, limit: int | None) -> None:
        self.both(AutoArchive(None if age is None else (self.clock - age, 0), limit))

    @rule(drained=st.booleans())
    def drain(self, drained: bool) -> None:
        self.both(SetDrain(drained))

    @rule(
        max_running=st.integers(0, 4),
        rules=st.lists(
            st.builds(
                FilterRule,
                uuid=st.sampled_from("abcd"),
                priority=st.integers(0, 2),
                watermark=st.integers(0, 9),
                predicates=st.lists(
                    st.tuples(st.just("jobid"), st.tuples(st.sampled_from(("=", ">", "<=", "!=")), st.just("id"),
                                                          st.integers(1, 9) | st.just("watermark")).map(list))
                    | st.just(("opcode", ["=", "OP_ID", "OP_TEST_DUMMY"]))
                    | st.just(("reason", ["=~", "reason", "^rate"])),
                    max_size=2,
                ).map(tuple),
                action=st.sampled_from(("ACCEPT", "PAUSE", "REJECT", "CONTINUE", "RATE_LIMIT", "RATE_LIMIT")),
                limit=st.integers(0, 2),
            ),
            max_size=3,
            unique_by=lambda rule: rule.uuid,
        ).map(tuple),
    )  # fmt: skip
    def configure(self, max_running: int, rules: tuple[FilterRule, ...]) -> None:
        self.both(Configure(max_running, rules))

    @rule(dead=st.sets(st.integers(1, 12)))
    def restart(self, dead: set[int]) -> None:
        jobs = self.spec.queued + self.spec.running + self.spec.ended
        locks = frozenset({"luxid"} | {f"/l/{job_id}" for job_id in dead})
        now = self._now()
        fresh = Queue(self.spec.serial, self.spec.drained, self.spec.max_running, "luxid", self.spec.rules,
                      archived=self.spec.archived)  # fmt: skip
        impl = JobQueue(archived=self._archived)
        impl.serial, impl.drained = fresh.serial, fresh.drained
        self.spec, expected = recovered(fresh, jobs, locks, now)
        got = impl.recover(jobs, locks.__contains__, now)
        assert got == expected
        self.impl = impl
        self.both(Configure(self.spec.max_running, self.spec.rules))

    @invariant()
    def same(self) -> None:
        shot = self.impl.snapshot()
        assert shot.queued == self.spec.queued
        assert shot.running == self.spec.running
        assert shot.starting == self.spec.starting
        assert shot.ended == tuple((job.id, job_status(job)) for job in self.spec.ended)
        assert (shot.serial, shot.drained, shot.max_running) == (
            self.spec.serial, self.spec.drained, self.spec.max_running,
        )  # fmt: skip

    @invariant()
    def sound(self) -> None:
        for name, holds in STATE_PROPERTIES.items():
            assert holds(self.spec) is None, name


TestBoth = pytest.mark.timeout(100)(Both.TestCase)
TestBoth.settings = settings(max_examples=40, stateful_step_count=40)


class BothOften(Both):
    """For the long test, which has settings of its own."""


TestBothOften = pytest.mark.long(pytest.mark.timeout(900)(BothOften.TestCase))
TestBothOften.settings = settings(max_examples=budget.spent(ci=150, weekly=1000), stateful_step_count=40)


def test_filters_agree() -> None:
    values = {"a": 1, "b": "x", "c": [1, 2], "d": True, "n": {"m": 2.5}, "z": None}
    names = ("a", "b", "c", "d", "n.m", "n", "z", "q")
    wanted: tuple[Any, ...] = (1, 1.0, "x", True, None, 2.5, "^x", "(", [1])
    expressions: list[Any] = [
        None,
        [],
        ["&"],
        ["|"],
        "x",
        7,
        ["?", "a"],
        ["?", "z"],
        ["!", ["?", "z"]],
        ["!"],
        ["~", "a", 1],
    ]
    for symbol in ("=", "==", "!=", "<", "<=", ">", ">=", "=~", "=[]"):
        for name in names:
            expressions += [[symbol, name, value] for value in wanted]
    expressions += [["&", left, right] for left in expressions[-6:] for right in expressions[10:16]]
    expressions += [["|", ["!", left], right] for left in expressions[10:40] for right in expressions[60:64]]
    seen: set[bool | None] = set()
    for expression in expressions:
        try:
            test = impl_filters.compile_filter(expression)
        except FilterSyntaxError:
            assert spec_filters.fault(expression) is not None, expression
            seen.add(None)
            continue
        assert spec_filters.fault(expression) is None, expression
        expected = spec_filters.holds(expression, values)
        assert test(values) == expected, expression
        seen.add(expected)
    assert seen == {True, False, None}


def test_an_illegal_event_changes_nothing() -> None:
    queue = JobQueue()
    queue.step(Submit(((op(),),), (1, 0)), (1, 0))
    before = queue.snapshot()
    for event in (Owned(9, "/l"), NotStarted(9, (1, 0)), Changed(Job(9)), Died(Job(9), (1, 0)), Changed(Job(1))):
        queue.step(event, (2, 0))
        assert queue.snapshot() == before


def test_a_full_queue_refuses_and_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spec.jobs.queue.QUEUE_LIMIT", 2)
    monkeypatch.setattr("impl.queue.queue.QUEUE_LIMIT", 2)
    plain, clever = Queue(max_running=0), JobQueue()
    clever.max_running = 0
    outcomes = []
    for count in (2, 1):
        event = Submit(((op(),),) * count, (1, 0))
        plain, expected = step(plain, event, (1, 0))
        assert clever.step(event, (1, 0)) == expected
        outcomes.append(expected[-1])
    assert isinstance(outcomes[0], Reply)
    assert isinstance(outcomes[1], Fail)
    assert outcomes[1].error_class == "JobQueueFull"
    assert len(plain.queued) == len(clever.queued) == 2
