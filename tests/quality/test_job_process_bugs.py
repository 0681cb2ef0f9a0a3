"""Bugs planted into job processes, units and queries; the named check must find each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from impl.cluster.change import Change, drop, put
from impl.cluster.view import ClusterView
from impl.job import life
from impl.job.life import Event, Persist, Step
from impl.job.locking import Declared, declare
from impl.job.ports import free_ports
from impl.job.process import JobRunner
from impl.job.unit import Some
from spec.jobs.model import Status
from spec.locks.names import Mode
from tests.impl.job import test_life, test_process
from tests.impl.job.conftest import Bench, made_bench
from tests.impl.job.units import test_groups as groups
from tests.impl.job.units import test_instance_create as creates
from tests.impl.job.units import test_instance_moves as moves
from tests.impl.job.units import test_instance_parameters as parameters
from tests.impl.job.units import test_instance_state as states
from tests.impl.job.units import test_node_parameters as nodes
from tests.impl.job.units import test_verification as verification

Check = Callable[[Bench], None]

right_advance, right_declare = life.advance, declare


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


def result_not_durable(*args: Any, **more: Any) -> Step:
    return Step(right_advance(*args, **more).job, Persist.NOW)


def end_without_stamp(*args: Any, **more: Any) -> Step:
    step = right_advance(*args, **more)
    return Step(replace(step.job, end_timestamp=None), step.persist)


def big_lock_exclusive(*args: Any, **_: Any) -> Declared:
    return right_declare(*args, bgl=Mode.EXCLUSIVE)


def always_the_first_minor(_: Any, __: str, nodes: Any) -> list[int]:
    return [0 for _ in nodes]


def no_attributes(*_: Any) -> dict[str, Any]:
    return {}


def first_port_without_asking(reservations: Any) -> int:
    return next(free_ports(reservations._read().cluster))


def moved_blindly(view: ClusterView, move: Any) -> Change:
    return put("instances", {**view.instances[move.instance], "primary_node": move.target})


def removed_without_disks(_: ClusterView, uuid: str) -> Change:
    return drop("instances", uuid)


def one_node_is_enough(view: ClusterView, _: int) -> Some:
    return Some(tuple(view.nodes), 1, 60.0)


def change_as_it_is(_: ClusterView, change: Change) -> Change:
    return change


def asked(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> list[Any]:
    """Replace the allocator by one with a fixed answer; return its questions."""
    questions: list[Any] = []

    def allocate(_: str, question: Any, __: Any) -> Any:
        questions.append((question["request"], bench.wconfd.held_by(bench.client())))
        return ["node3.example.com", "node4.example.com"]

    monkeypatch.setattr("impl.job.process.run_allocator", allocate)
    return questions


def small_pool(check: Check) -> Check:
    def run(bench: Bench) -> None:
        bench.config["cluster"]["candidate_pool_size"] = 1
        check(bench)

    return run


RUN_OPCODE = JobRunner._run_opcode


def announce_end_before_freeing_locks(runner: JobRunner, index: int) -> None:
    service = runner._service
    runner._service = Forgetful(service)  # type: ignore[assignment]
    RUN_OPCODE(runner, index)
    runner._service = service
    service.free()


class Forgetful:
    """A service that frees nothing."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name) if name != "free" else nothing


MUTANTS: dict[str, tuple[str, Any, Check]] = {
    "locks_not_declared_again": (
        "impl.job.process.covers",
        lambda *_: True,
        test_process.test_locks_follow_an_instance_that_moved_while_the_job_waited,
    ),
    "trusts_the_notification": (
        "impl.job.service.Service.is_pending",
        lambda _: True,
        test_process.test_a_waiting_job_says_so_and_goes_on_without_any_notification,
    ),
    "locks_kept": (
        "impl.job.service.Service.free",
        nothing,
        test_process.test_locks_are_asked_for_in_one_request_and_freed_between_opcodes,
    ),
    "locks_freed_late": (
        "impl.job.process.JobRunner._run_opcode",
        announce_end_before_freeing_locks,
        lambda bench: test_process.test_locks_are_freed_before_the_end_is_announced(bench, 0.001, Status.SUCCESS),
    ),
    "big_lock_exclusive": (
        "impl.job.process.declare",
        big_lock_exclusive,
        test_process.test_locks_are_asked_for_in_one_request_and_freed_between_opcodes,
    ),
    "new_priority_ignored": (
        "impl.job.process.JobRunner._take_new_priority",
        lambda _: False,
        test_process.test_a_new_priority_moves_the_waiting_request,
    ),
    "nodes_in_no_service_accepted": (
        "impl.job.units.instance_moves.check_target",
        nothing,
        lambda bench: moves.test_no_instance_goes_to_a_node_that_is_not_in_service(
            bench, moves.MIGRATE, moves.NODE2, "drained"
        ),
    ),
    "memory_not_checked": (
        "impl.job.units.instance_moves.check_memory",
        nothing,
        moves.test_no_instance_goes_where_it_does_not_fit,
    ),
    "disk_not_checked": (
        "impl.job.units.instance_moves.check_disk",
        nothing,
        moves.test_no_instance_goes_where_it_does_not_fit,
    ),
    "moved_blindly": (
        "impl.job.units.instance_moves.moved",
        moved_blindly,
        moves.test_an_instance_that_moved_meanwhile_is_not_moved_back,
    ),
    "minors_twice": (
        "impl.job.reserving.WconfdReservations.reserve_minors",
        always_the_first_minor,
        creates.test_minors_do_not_clash_with_those_in_use,
    ),
    "ports_not_taken": (
        "impl.job.units.disks.with_ports_taken",
        no_attributes,
        creates.test_ports_come_from_the_pool_first_and_go_back_there,
    ),
    "ports_lost": (
        "impl.job.units.disks.ports_back",
        no_attributes,
        parameters.test_disks_come_and_go_with_their_ports,
    ),
    "ports_of_others": (
        "impl.job.reserving.WconfdReservations.reserve_port",
        first_port_without_asking,
        creates.test_a_port_that_another_job_has_set_aside_is_left_to_it,
    ),
    "minors_left_over": (
        "impl.job.reserving.WconfdReservations._release_left_over",
        nothing,
        creates.test_minors_that_a_dead_job_left_are_free_again,
    ),
    "disks_of_a_failed_create_stay": (
        "impl.job.units.disks._clear_away",
        nothing,
        creates.test_a_create_that_fails_late_leaves_nothing,
    ),
    "reports_forgotten": (
        "impl.job.service.with_reports",
        change_as_it_is,
        moves.test_reported_free_amounts_follow_the_moves,
    ),
    "disks_left_behind": (
        "impl.job.units.instance_state.removed",
        removed_without_disks,
        states.test_removing_gives_all_back,
    ),
    "one_node_is_enough": (
        "impl.job.units.instance_create.some_nodes",
        one_node_is_enough,
        lambda bench: creates.test_opportunistic_locking_waits_for_enough_nodes(bench, []),
    ),
    "candidates_lost": (
        "impl.job.units.node_parameters._replacements",
        lambda *_: (),
        small_pool(nodes.test_a_candidate_is_not_lost_unless_asked_for),
    ),
    "mirrors_split": (
        "impl.job.units.groups.split_instances",
        lambda *_: [],
        groups.test_an_assignment_that_splits_a_mirror,
    ),
    "redundancy_not_looked_at": (
        "impl.job.units.verification._redundancy",
        lambda *_: [],
        verification.test_redundancy,
    ),
}
"""The attribute replaced, its replacement, and the check that finds it."""

TABLE: dict[str, tuple[tuple[Status, Event], Status, Callable[[], None]]] = {
    "running_opcodes_cancelled": (
        (Status.RUNNING, Event.CANCEL),
        Status.CANCELED,
        test_life.test_a_running_opcode_cannot_be_cancelled,
    ),
    "cancel_reported_as_success": (
        (Status.WAITING, Event.CANCEL),
        Status.SUCCESS,
        test_life.test_cancelled_while_waiting,
    ),
    "runs_without_locks": (
        (Status.QUEUED, Event.START),
        Status.RUNNING,
        test_life.test_a_good_life_has_the_time_stamps_of_ganeti,
    ),
}
"""A row of the table of a job's life, its replacement, and the check that finds it."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, mutant, check = MUTANTS[name]
    monkeypatch.setattr(target, mutant)
    with made_bench() as bench, pytest.raises((AssertionError, LookupError, pytest.fail.Exception)):
        check(bench)


@pytest.mark.parametrize("name", TABLE)
def test_a_wrong_row_of_the_table_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row, status, check = TABLE[name]
    monkeypatch.setitem(life.TRANSITIONS, row, status)
    with pytest.raises((AssertionError, life.IllegalEventError, pytest.fail.Exception)):
        check()


@pytest.mark.parametrize("name", TABLE)
def test_a_wrong_row_is_found_by_the_specification(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row, status, _ = TABLE[name]
    monkeypatch.setitem(life.TRANSITIONS, row, status)
    with pytest.raises(AssertionError):
        test_life.test_each_step_is_the_specification_s(2)


@pytest.mark.parametrize("mutant", [result_not_durable, end_without_stamp])
def test_a_wrong_step_of_life_is_found(mutant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_life, "advance", mutant)
    with pytest.raises(AssertionError):
        test_life.test_invariants_hold_on_every_history()


def test_nodes_that_stay_locked_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impl.job.service.Service.narrow", nothing)
    with made_bench() as bench, pytest.raises(AssertionError):
        creates.test_the_allocator_is_shown_all_and_the_rest_is_let_go(bench, asked(monkeypatch, bench))


def test_a_lost_answer_that_is_not_looked_into_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that takes a broken connection for a failed change reports an error although the change was made."""

    def change_once(service: Any, function: Any) -> ClusterView:
        view = service.read()
        container, item = function(view).single()
        service._once({"instances": "updateInstance", "disks": "updateDisk"}[container], item)
        found: ClusterView = service.read()
        return found

    monkeypatch.setattr("impl.job.service.Service.change", change_once)
    with made_bench() as bench, pytest.raises(AssertionError):
        test_process.test_an_answer_that_got_lost_does_no_harm(bench)
