"""The queue's indexes: where a job stands, who is freed when another ends, and how dependencies end a job."""

from typing import Any

import pytest

from impl.queue.filters import RuleSet
from impl.queue.indexes import BLOCKED, PAUSED, Ended, Indexes, never_archived
from impl.queue.recorded import Recorded
from spec.jobs.model import FilterRule, Job, Opcode, Status
from tests.impl.queue.histories import op


def job(number: int, **how: Any) -> Job:
    return Job(number, (Opcode(op(**how), priority=how.get("priority", 0)),))


def after(*targets: Any) -> dict[str, Any]:
    return {"depends": [list(target) for target in targets]}


def indexes(*queued: Job, running: tuple[Job, ...] = (), rules: tuple[FilterRule, ...] = ()) -> Indexes:
    made = Indexes(never_archived)
    made._rules = RuleSet(rules)
    made.queued = Recorded({one.id: one for one in queued})
    made.running = Recorded({one.id: one for one in running})
    made._reindex()
    return made


def rule(action: str, limit: int = 0) -> FilterRule:
    return FilterRule("r", 0, 0, (("jobid", [">", "id", 1]),), action=action, limit=limit)


def test_a_job_without_obstacles_is_ready_by_priority_and_id() -> None:
    made = indexes(job(3), job(1, priority=5), job(2, priority=-5))
    assert sorted(made._ready) == [(-5, 2), (0, 3), (5, 1)]
    assert made._place == {3: (0, 3), 1: (5, 1), 2: (-5, 2)}


def test_a_job_waits_for_unfinished_ones_only() -> None:
    made = indexes(job(2, **after((1, ["success"]), (9, ["success"]))), job(3, **after((2, []))), running=(job(1),))
    assert made._place == {2: BLOCKED, 3: BLOCKED}
    assert made._blocked == {2: {1}, 3: {2}}
    assert {target: who for target, who in made._dependents.items() if who} == {1: {2}, 2: {3}}
    made._forget(2)
    assert (made._blocked, made._dependents[1]) == ({3: {2}}, set())


def test_who_depends_on_itself_or_on_nothing_is_doomed() -> None:
    made = indexes(job(1, **after((1, []))), job(2, **after((7, ["success"]))))
    assert sorted(made._doomed) == [1, 2]
    assert made._place == {}


@pytest.mark.parametrize(
    ("action", "doomed", "place"),
    [("REJECT", [2], None), ("PAUSE", [], PAUSED), ("ACCEPT", [], (0, 2)), ("RATE_LIMIT", [], (0, 2))],
)
def test_rules_decide_where_a_job_stands(action: str, doomed: list[int], place: object) -> None:
    made = indexes(job(1), job(2), rules=(rule(action, 1),))
    assert (made._doomed, made._place.get(2), made._place[1]) == (doomed, place, (0, 1))
    assert made._buckets == ({2: (("rule", "r"),)} if action == "RATE_LIMIT" else {})


def test_running_jobs_take_the_slots_of_their_limits() -> None:
    made = indexes(job(3, reason="rate-limit:2:a"), running=(job(2, reason="rate-limit:2:a"),))
    bucket = ("label", "rate-limit:2:a")
    (known,) = made._limit
    assert (made._limit[known], made._taken[known]) == (2, 1)
    assert known[0] == bucket[0]
    made._release(2)
    assert made._taken[known] == 0


def test_a_slot_given_back_invites_the_best_held_job_and_skips_stale_entries() -> None:
    made = indexes(job(3), job(4), running=(job(2),), rules=(rule("RATE_LIMIT", 1),))
    bucket = ("rule", "r")
    made._ready.clear()
    for number in (3, 4):
        made._place[number] = bucket
    made._held[bucket] = [(-9, 4), (0, 3), (0, 4)]  # job 4 had another priority before
    made._release(2)
    assert made._ready == [(0, 3)]
    assert made._held[bucket] == [(0, 4)]
    made._taken[bucket] = 1
    made._invite_from(bucket)
    assert made._ready == [(0, 3)]  # no room


SUCCESS, ERROR, CANCELED = Status.SUCCESS, Status.ERROR, Status.CANCELED


@pytest.mark.parametrize(
    ("accepted", "status", "verdict"),
    [
        (["success"], SUCCESS, None),
        ([], SUCCESS, None),
        ([], ERROR, None),
        ([], CANCELED, (CANCELED, "Dependency job 5 was cancelled")),
        (["canceled"], CANCELED, None),
        (["success"], CANCELED, (CANCELED, "Dependency job 5 was cancelled")),
        (
            ["success", "canceled"],
            ERROR,
            (ERROR, "Dependency job 5 finished with status 'error', not one of 'success, canceled' as required"),
        ),
        (["success"], None, (ERROR, "Dependency error: Job 5 not found")),
    ],
)
@pytest.mark.parametrize("archived", [False, True])
def test_ended_dependencies_decide(accepted: list[str], status: Status | None, verdict: object, archived: bool) -> None:
    made = Indexes(lambda number: status if archived and number == 5 else None)
    if status is not None and not archived:
        made.ended[5] = Ended(status, None)
    assert made._verdict(job(6, **after((5, accepted)))) == verdict


def test_nobody_waits_for_itself() -> None:
    assert indexes()._verdict(job(6, **after((6, [])))) == (ERROR, "Job can't depend on itself")
