"""The job process: performs what `life` decides. Everything here is I/O; the decisions are made elsewhere.

The order: signals are caught before anybody knows the process id; the live-lock is held before luxid knows of the
process; the job file is touched only after luxid's confirmation; the locks of an opcode are free before anybody sees
its end; the live-lock is released last.
"""

import argparse
import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from impl.cluster.change import Change
from impl.cluster.view import ClusterView
from impl.hypervisor.embedded import EmbeddedDriver
from impl.hypervisor.port import Driver
from impl.job import life
from impl.job.allocator import run_allocator
from impl.job.errors import (
    TEMPORARILY_NO_RESOURCES,
    CanceledError,
    PrerequisiteError,
    UnknownOpcodeError,
    encode_failure,
)
from impl.job.handover import Channel, NotConfirmedError, take_over
from impl.job.life import Event, Persist, Step
from impl.job.locking import Declared, covers, declare, encode
from impl.job.reserving import Reservations
from impl.job.service import Service
from impl.job.signals import SignalFlags, Signals
from impl.job.submitting import submit_jobs
from impl.job.unit import Op, Some, Unit
from impl.job.units import UNITS
from impl.paths import Root
from impl.process.clock import timestamp
from impl.process.ground import ground_of_job
from impl.process.livelock import LiveLock
from impl.queue.files import job_path, read_job, write_job
from spec.errors import GantryError
from spec.jobs.model import Job

ASK_AGAIN_SECONDS = 0.5
"""How long a waiting job waits for a notification before it asks."""

REPORT_SECONDS = 10.0
"""How often a job that waits for locks says for whom in the process's own log."""


SOME_NODES_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Granted:
    """What an opcode got: the configuration under its locks, and the nodes that it took opportunistically."""

    view: ClusterView
    nodes: tuple[str, ...] | None


def report(job_id: int, text: str) -> None:
    """Write one line to the process's own log."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} job-{job_id}: {text}\n")
    sys.stderr.flush()


class JobRunner:
    """Runs one job that was handed over to this process."""

    def __init__(
        self, root: Root, job: Job, secrets: Sequence[Mapping[str, Any] | None], livelock: str, signals: SignalFlags
    ) -> None:
        self._root = root
        self._path = job_path(root.queue, job.id)
        self._job = replace(job, livelock=livelock, process_id=os.getpid())
        self._secrets = secrets
        self._signals = signals
        self._ground = ground_of_job(root)
        self._service = Service(root.wconfd_socket, [job.id, livelock, os.getpid()], check=self._ground.require_now)
        self._driver: Driver = EmbeddedDriver(time.sleep)

    # --- the job file

    def _persist(self, step: Step) -> None:
        self._ground.require()
        self._job = step.job
        write_job(self._path, step.job, durable=step.persist is Persist.DURABLY)

    def _event(self, event: Event, result: Any = None) -> None:
        self._persist(life.advance(self._job, event, timestamp(), result))

    def log(self, message: Any, kind: str = "message") -> None:
        """Append to the log of the opcode at hand."""
        self._persist(life.log(self._job, timestamp(), kind, message))

    def log_all(self, messages: Sequence[str]) -> None:
        """Append many lines at once, written once."""
        if not messages:
            return
        step = Step(self._job, Persist.NOW)
        for message in messages:
            step = life.log(step.job, timestamp(), "message", message)
        self._persist(step)

    # --- the life of the job

    def run(self) -> None:
        """Run every opcode that has not ended."""
        try:
            while (index := life.current(self._job)) is not None:
                if self._signals.cancel:
                    self._event(Event.CANCEL)
                    return
                self._run_opcode(index)
        finally:
            self._service.close()
            self._ground.close()

    def _run_opcode(self, index: int) -> None:
        self._job = life.advance(self._job, Event.START, timestamp()).job
        event, result = Event.CANCEL, None
        try:
            result = self._execute(index)
            event = Event.SUCCEED
        except CanceledError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in an opcode is its result
            if not isinstance(error, GantryError):
                report(self._job.id, traceback.format_exc())
            event, result = Event.FAIL, encode_failure(error)
        with contextlib.suppress(GantryError):  # if this fails, wconfd drops them when the process ends
            self._service.free()
        self._event(event, result)

    def _execute(self, index: int) -> Any:
        op = dict(self._job.ops[index].input)
        unit = UNITS.get(op["OP_ID"])
        if unit is None:
            raise UnknownOpcodeError(op["OP_ID"])
        view = self._service.read()
        op = unit.resolve(op, view)
        self._job = life.with_input(self._job, op)
        secrets = self._secrets[index] if index < len(self._secrets) else None
        op = {**op, **(secrets or {})}
        if unit.before is not None:
            self._persist(Step(self._job, Persist.NOW))
            unit.before(_OpcodeContext(self, self._service, self._driver, op, Granted(view, None)))
        granted = self._acquire(index, unit, op, view)
        self._event(Event.GRANT)
        plan = unit.prepare(op, granted.view)
        if op.get("dry_run"):
            return None
        return unit.run(_OpcodeContext(self, self._service, self._driver, op, granted), plan)

    # --- locks

    def _acquire(self, index: int, unit: Unit, op: Op, view: ClusterView) -> Granted:
        """Get the locks that the unit declares on the configuration as it is under those very locks."""
        while True:
            wanted = declare(unit.takes, op, view, bgl=unit.bgl)
            self._acquire_declared(index, wanted)
            view = self._service.read()
            if covers(wanted, declare(unit.takes, op, view, bgl=unit.bgl)):
                break
            self._service.free()  # an instance moved while we waited: all locks again, so that the order is kept
        some = unit.some(op, view)
        if some is None:
            return Granted(view, None)
        nodes = self._acquire_some(some)
        return Granted(self._service.read(), nodes)

    def _acquire_some(self, some: Some) -> tuple[str, ...]:
        """Lock those of some nodes that are free, as soon as they are enough."""
        request = [[f"node/{uuid}", "exclusive"] for uuid in sorted(some.nodes)]
        started = time.monotonic()
        while True:
            taken = self._service.opportunistic(request, some.at_least)
            if taken:
                return tuple(sorted(lock.removeprefix("node/") for lock in taken))
            waited = time.monotonic() - started
            if waited >= some.patience:
                raise PrerequisiteError(
                    f"Other jobs hold so many of {len(some.nodes)} nodes that {some.at_least} were not free at once"
                    f" for {waited:.0f} s: try again later",
                    TEMPORARILY_NO_RESOURCES,
                )
            self._signals.wait(SOME_NODES_PAUSE)
            if self._signals.cancel:
                raise CanceledError

    def _acquire_declared(self, index: int, wanted: Declared) -> None:
        request = encode(wanted)
        asked = time.monotonic()
        reported = 0.0
        blockers = self._service.request(self._job.ops[index].priority, request)
        if blockers:
            self._persist(Step(self._job, Persist.NOW))
        while blockers:
            waited = time.monotonic() - asked
            if waited - reported >= REPORT_SECONDS:
                reported = waited
                owners = ", ".join(sorted({f"job {client[0]}" for client in blockers}))
                locks = " ".join(name for name, _ in request)
                report(self._job.id, f"waiting {waited:.0f} s for {owners} to release of: {locks}")
            self._signals.wait(ASK_AGAIN_SECONDS)
            if self._signals.cancel:
                raise CanceledError
            if self._take_new_priority():
                self._service.free()
                blockers = self._service.request(self._job.ops[index].priority, request)
            elif not self._service.is_pending():
                # asking for what one has changes nothing, so this also repairs a request that wconfd lost
                blockers = self._service.request(self._job.ops[index].priority, request)

    def _take_new_priority(self) -> bool:
        """Take over a priority that luxid left for us; whether there was one."""
        if not self._signals.reprioritise:
            return False
        self._signals.reprioritise = False
        path = os.path.join(self._root.luxid_messages, f"{self._job.id}.prio")
        try:
            with open(path, encoding="ascii") as file:
                priority = int(file.read())
            os.unlink(path)
        except (OSError, ValueError) as error:
            report(self._job.id, f"signalled for a new priority, but {path} holds none ({error})")
            return False
        self._persist(life.reprioritise(self._job, priority))
        return True

    def submit(self, jobs: Sequence[Sequence[Op]]) -> list[list[Any]]:
        """Submit jobs on behalf of the opcode at hand."""
        self._ground.require()
        index = life.current(self._job)
        parent = self._job.ops[index or 0].input
        return submit_jobs(self._root.luxi_socket, parent, jobs)


class _OpcodeContext:
    """What a unit gets to work with: see `impl.job.unit.Context`."""

    def __init__(self, runner: JobRunner, service: Service, driver: Driver, op: Op, granted: Granted) -> None:
        self._runner = runner
        self._service = service
        self.driver = driver
        self.op = op
        self.view = granted.view
        self.nodes_taken = granted.nodes

    def log(self, message: Any, kind: str = "message") -> None:
        self._runner.log(message, kind)

    def log_all(self, messages: Sequence[str]) -> None:
        self._runner.log_all(messages)

    def change(self, function: Callable[[ClusterView], Change]) -> None:
        self.view = self._service.change(function)

    def submit(self, jobs: Sequence[Sequence[Op]]) -> list[list[Any]]:
        return self._runner.submit(jobs)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def narrow(self, nodes: Sequence[str]) -> None:
        self._service.narrow(nodes)

    def allocate(self, program: str, request: Mapping[str, Any], options: Sequence[str] = ()) -> Any:
        return run_allocator(program, request, options)

    @property
    def reservations(self) -> Reservations:
        return self._service.reservations

    def verify_configuration(self) -> list[str]:
        return self._service.verify()


def run_job(job_id: int, root: Root, receive_fd: int = 0, send_fd: int = 1) -> int:
    """Take a job over and run it to its end.

    Args:
        job_id: the job.
        root: the cluster's directory.
        receive_fd: where luxid's messages come from.
        send_fd: where ours go.

    Returns:
        The process's exit code: 0, or 1 if the job was not handed over or could not be written.
    """
    signals = Signals()
    channel = Channel(receive_fd, send_fd)
    try:
        livelock = LiveLock.create(root.livelocks, f"job_{job_id:06d}")
    except OSError as error:
        channel.refuse(error.strerror or str(error))
        channel.close()
        return 1
    try:
        try:
            secrets = take_over(channel, livelock.path)
        finally:
            channel.close()
        job = read_job(job_path(root.queue, job_id))
        JobRunner(root, job, secrets, livelock.path, signals).run()
    except NotConfirmedError as error:
        report(job_id, str(error))
        return 1
    except Exception:  # noqa: BLE001 - the last resort: luxid sees the death and fails the job
        report(job_id, traceback.format_exc())
        return 1
    finally:
        livelock.release()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run as `python -m impl.job ID --root DIR`, luxid on standard input and output."""
    parser = argparse.ArgumentParser(prog="job", description="Runs one job that luxid hands over on standard input.")
    parser.add_argument("id", type=int, help="the job's id")
    parser.add_argument("--root", default=None, help="the cluster's directory (default: $GANTRY_ROOT, else ./.gantry)")
    arguments = parser.parse_args(argv)
    return run_job(arguments.id, Root.of(arguments.root))
