"""The demonstration from beginning to end: make, plan, audit, execute, verify."""

import os
import re
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass

from checkers.plans.audit import audit
from checkers.plans.constraints import Order
from checkers.plans.outcome import broken_promises
from checkers.plans.prose import offence_text
from checkers.plans.reader import read_plan
from checkers.verdict import Illegal, Ok
from gantry.demo.display import Display
from gantry.demo.stage import BalancerError, NothingToDoError, Stage
from gantry.demo.watch import FINAL, Watcher, final_counts
from htools.plan.execution import wait
from impl.setup.daemons import daemons, stop_all
from impl.wire.client import Client
from spec.allocator.cluster import Cluster
from spec.plans.model import Plan

_GLANCE = 0.15
"""Seconds between two queries of the cluster while hbal works."""
_SHOWN = 5
"""The largest number of broken promises printed."""
_IMPROVED = re.compile(r"Cluster score improved from ([\d.]+) to ([\d.]+)")
_DELAY = 1.5
"""Seconds that the colleague's job takes."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The proposal of hbal: the text of the plan, the plan, the score before and after it."""

    text: str
    plan: Plan
    before: float
    after: float

    @property
    def jobs(self) -> int:
        """The number of jobs in the plan."""
        return sum(map(len, self.plan.job_sets))


def run_story(stage: Stage, cluster: Cluster, display: Display) -> bool:
    """Plan, audit, execute and verify on a running cluster; return whether every check holds."""
    for daemon in daemons(stage.root):
        display.say(f"{daemon.name} runs as process {daemon.pid()}")
    before = stage.config()

    display.step("hbal makes a plan (hbal -L -C)")
    planned = _plan(stage, cluster)
    display.say(f"{planned.jobs} moves in {len(planned.plan.job_sets)} job sets, {len(planned.plan.steps)} commands")
    display.say(f"score {planned.before:.4f} before, {planned.after:.4f} after (smaller is better)")

    display.step("z3 audits the plan, in every order that its job sets allow (gantry audit)")
    verdict = audit(cluster, planned.plan, order=Order.ANY)
    if not isinstance(verdict, Ok):
        reason = (
            offence_text(cluster, planned.plan, verdict.witness) if isinstance(verdict, Illegal) else verdict.reason
        )
        display.check(good=False, text=f"the plan is not known to be safe: {reason}")
        return False
    display.say(f"safe: {verdict.covered}")

    display.step("hbal has the plan executed (hbal -L -X), a job for every move")
    good = _execute(stage, cluster, planned, display)

    display.step("Verify")
    good &= _verify_jobs(stage, planned, display)
    promises = broken_promises(before, stage.config(), cluster, planned.plan)
    display.check(
        not promises, f"all {len(cluster.instances)} instances are where the plan puts them, nothing else changed"
    )
    for promise in promises[:_SHOWN]:
        display.say(promise)
    good &= not promises
    return good & _verify_nothing_left(stage, display)


def _plan(stage: Stage, cluster: Cluster) -> Planned:
    path = os.path.join(stage.root.directory, "plan.sh")
    with stage.hbal(f"-C{path}", "-v") as hbal:
        output, _ = hbal.communicate()
    if hbal.returncode:
        raise BalancerError(hbal.returncode, _end(output))
    improved, text = _IMPROVED.search(output), _read(path)
    if improved is None:
        raise NothingToDoError(_end(output))
    return Planned(text, read_plan(text, cluster), float(improved[1]), float(improved[2]))


def _execute(stage: Stage, cluster: Cluster, planned: Planned, display: Display) -> bool:
    """Run hbal and watch until it ends; half-way a colleague's job requests the lock of a node."""
    path = os.path.join(stage.root.directory, "executed.sh")
    log = os.path.join(stage.root.log, "hbal.log")
    colleague: int | None = None
    begin = time.monotonic()
    with open(log, "w+", encoding="utf-8") as output, closing(Watcher(stage.root)) as watcher:
        hbal = stage.hbal("-X", f"-C{path}", "-v", output=output)
        try:
            while hbal.poll() is None:
                sight = watcher.look(with_score=True)
                if colleague is None and sight.count(*FINAL) >= planned.jobs // 4:
                    colleague = _colleague(stage, cluster, planned)
                    display.say(f"job {colleague}: a colleague tests the busiest node for {_DELAY:g} s, with its lock")
                display.progress(sight, planned.jobs + 1, planned.after)
                _pause(hbal)
            _finish(stage, colleague if colleague is not None else _colleague(stage, cluster, planned))
            display.progress(watcher.look(with_score=True), planned.jobs + 1, planned.after)
        finally:
            display.end_progress()
            if hbal.poll() is None:
                hbal.kill()
            hbal.wait()
        output.seek(0)
        said = output.read()
    display.check(
        hbal.returncode == 0, f"hbal ended with code {hbal.returncode} after {time.monotonic() - begin:.1f} s"
    )
    if hbal.returncode:
        display.say(_end(said))
    same = _read(path) == planned.text
    display.check(same, "the plan that was executed is the one that was audited")
    return hbal.returncode == 0 and same


def _pause(hbal: subprocess.Popen[str]) -> None:
    """Wait until the next query, or until hbal has ended."""
    try:
        hbal.wait(_GLANCE)
    except subprocess.TimeoutExpired:
        return


def _colleague(stage: Stage, cluster: Cluster, planned: Planned) -> int:
    """Submit another user's job on the node that most of the remaining plan uses."""
    targets = [step.command.node for step in planned.plan.steps[len(planned.plan.steps) // 3 :]]
    node = max((target for target in targets if target is not None), key=targets.count)
    name = cluster.nodes[node].name
    reason = [["gantry", "demo", time.time_ns()]]
    delay = {
        "OP_ID": "OP_TEST_DELAY",
        "duration": _DELAY,
        "on_master": False,
        "on_nodes": [name],
        "no_locks": False,
        "reason": reason,
    }
    with Client(stage.root.luxi_socket) as luxid:
        return int(luxid.call("SubmitJob", [delay]))


def _finish(stage: Stage, job: int) -> None:
    """Wait until a job has ended."""
    with Client(stage.root.luxi_socket, timeout=None) as luxid:
        wait(luxid, job)


def _verify_jobs(stage: Stage, planned: Planned, display: Display) -> bool:
    with closing(Watcher(stage.root)) as watcher:
        sight = watcher.look(with_score=True)
    counts = final_counts(sight)
    expected = planned.jobs + 1
    good = counts == {"success": expected}
    tally = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    display.check(good, f"every job succeeded ({tally}; {expected} expected)")
    value = -1.0 if sight.score is None else sight.score
    reached = abs(value - planned.after) < 5e-9
    display.check(reached, f"the score is {value:.8f}, the plan promised {planned.after:.8f}")
    return good and reached


def _verify_nothing_left(stage: Stage, display: Display) -> bool:
    with Client(stage.root.wconfd_socket) as wconfd:
        held, pending = wconfd.call("listLocksWaitingStatus")
    free = not pending and not any(owners for _, owners in held)
    display.check(free, "no lock is held, none is waited for")
    livelocks = [name for name in os.listdir(stage.root.livelocks) if name.startswith("job_")]
    stop_all(stage.root)
    left = stage.processes()
    display.check(not left and not livelocks, "daemons stopped; no process and no live-lock of a job is left")
    if left or livelocks:
        display.say(f"processes {left}, live-locks {livelocks}")
    return free and not left and not livelocks


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _end(output: str) -> str:
    """Return the last lines of a program's output."""
    return " / ".join(line.strip() for line in output.strip().splitlines()[-3:])
