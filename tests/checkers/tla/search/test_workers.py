"""Several processes find the same states in the same order, the same figures and errors as one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

import pytest

from checkers.tla import TlaLimitError, load
from checkers.tla.errors import TlaWorkerError
from checkers.tla.search import workers
from checkers.tla.search.check import check
from checkers.tla.search.state_graph import Options
from checkers.tla.values.show import show
from gantry.cli import main
from tests.checkers.tla.search.test_explore_classics import (
    ABP,
    BAKERY,
    DATA,
    ELECT,
    PETERSON,
    PROCESSES,
    SERVERS,
    TCOMMIT,
    TWOPC,
)
from tests.checkers.tla.specs import COUNTER, RING
from tests.checkers.tla.values.test_identity import ORBITS, QUEUES

TOP = "CONSTANTS Top = 9 Fail = {}\nSPECIFICATION Spec\n"
NODES = "CONSTANTS Node = {a, b, c} Nobody = Nobody\nCHECK_DEADLOCK FALSE SPECIFICATION Spec "
RING_OF_ERRORS = RING.replace("Free ==", "Wrong == wants # Node \\/ owner.a\nFree ==")
WORDS = """---- MODULE Spec ----
EXTENDS Naturals, TLC
VARIABLES n, seen, first
Init == n = 0 /\\ seen = {} /\\ first = ""
Next == \\E k \\in 1..3 : n < 60 /\\ n' = n + k /\\ seen' = {ToString((n * 7 + i * k) % 10) : i \\in 0..2}
                         /\\ first' = CHOOSE w \\in seen' : TRUE
===="""
CASES: dict[str, tuple[str, str]] = {
    "ok": (COUNTER, TOP.format("FALSE")),
    "liveness": (COUNTER, TOP.format("FALSE").replace("Spec", "Fair") + "PROPERTIES Steps Settles"),
    "invariant": (COUNTER, TOP.format("FALSE") + "INVARIANT Small"),
    "action property": (COUNTER, TOP.format("FALSE") + "PROPERTY NoDrop"),
    "error in an action": (COUNTER, TOP.format("TRUE")),
    "error in an invariant": (RING_OF_ERRORS, NODES + "INVARIANT Wrong"),
    "deadlock": (COUNTER.replace("\\/ Turn", ""), TOP.format("FALSE")),
    "view": (COUNTER, TOP.format("FALSE") + "VIEW Hidden"),
    "constraint": (COUNTER, TOP.format("FALSE") + "CONSTRAINT Small INVARIANT Small"),
    "symmetry": (RING, NODES + "SYMMETRY Perms"),
    "symmetry, constraint and step": (
        ELECT,
        SERVERS.format(1) + "SPECIFICATION Spec INVARIANT OneLeader PROPERTY TermUp CONSTRAINT Bound SYMMETRY Sym",
    ),
    "refinement": (TWOPC, "CONSTANT RM = {r1, r2, r3} SPECIFICATION Spec PROPERTY TCSpec CHECK_DEADLOCK FALSE"),
    "refinement fails": (TWOPC, "CONSTANT RM = {r1, r2, r3} SPECIFICATION Spec INVARIANT NoCommit"),
    "weak": (ABP, DATA + "SPECIFICATION Weak PROPERTY Delivered"),
    "deep": (BAKERY, PROCESSES.format(3) + "SPECIFICATION Spec INVARIANT MutualExclusion CONSTRAINT Bounded"),
    "Peterson": (PETERSON, "SPECIFICATION Spec INVARIANT Mutex PROPERTY Termination"),
    "truths": (QUEUES, "INIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE"),
    "truths and symmetry": (ORBITS, "CONSTANT S = {a, b} INIT Init NEXT Next SYMMETRY P CHECK_DEADLOCK FALSE"),
    "new strings": (WORDS, "INIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE"),
}


def share_all(change: Callable[[Any, str, int], None]) -> None:
    """Share out every level, however small."""
    for name in ("PAYS", "_PROBE", "_BLOCK"):
        change(workers, name, 0)


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    share_all(monkeypatch.setattr)


def shown(states: list[Any]) -> list[list[str]]:
    return [[show(value) for value in state] for state in states]


def explored(folder: Path, text: str, config: str, count: int, **options: Any) -> tuple[Any, ...]:
    """Return all results of a run except its time."""
    (folder / "Spec.tla").write_text(text)
    (folder / "TCommit.tla").write_text(TCOMMIT)
    specification = load(folder / "Spec.tla")
    chosen = specification.config(config)
    asked = Options(check_deadlock=chosen.check_deadlock, workers=count, **options)
    outcome = check(specification.model(chosen), asked)
    graph, figures = outcome.graph, outcome.figures
    assert graph is not None
    assert (outcome.workers is None) == (count == 1)
    found = [(v.verdict, v.name, shown(v.trace), v.loop_start, str(v.error)) for v in outcome.violations]
    counts = (figures.distinct, figures.generated, figures.depth, figures.queue)
    return outcome.verdict, counts, found, shown(graph.states), graph.parents, graph.offsets, graph.targets


def shared_out(folder: Path, case: str, count: int, options: dict[str, Any]) -> tuple[Any, ...]:
    """Explore a case in another process, where every level is shared out, too."""
    share_all(setattr)
    return explored(folder, *CASES[case], count, **options)


Explored = Callable[..., tuple[Any, ...]]


@pytest.fixture(scope="module")
def small_process() -> Iterator[Executor]:
    """A process that is forked fast: with what other tests loaded, a fork takes up to 0.1 s."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as made:
        yield made


@pytest.fixture
def aside(small_process: Executor, tmp_path: Path) -> Explored:
    return lambda case, count, **options: small_process.submit(shared_out, tmp_path, case, count, options).result()


@pytest.mark.xdist_group("small process")
@pytest.mark.parametrize("case", CASES)
def test_the_number_of_workers_changes_nothing(aside: Explored, case: str) -> None:
    alone = aside(case, 1)
    for count in (2, 3):
        assert aside(case, count) == alone


@pytest.mark.xdist_group("small process")
@pytest.mark.parametrize("case", ["invariant", "action property", "deadlock", "symmetry", "constraint", "truths"])
def test_nor_past_violations_and_with_edges(aside: Explored, case: str) -> None:
    alone = aside(case, 1, keep_going=True, keep_edges=True)
    for count in (2, 5):
        assert aside(case, count, keep_going=True, keep_edges=True) == alone
    assert aside(case, 2, depth=3) == aside(case, 1, depth=3)


def test_a_bound_stops_at_the_same_state(tmp_path: Path) -> None:
    text = COUNTER.replace("Up ==", "Wide == mode' = mode /\\ \\E k \\in 1..7 : n' = 8 * n + k\nUp ==")
    text = text.replace("Next ==", "Next == Wide \\/")
    found = []
    for count in (1, 2):
        with pytest.raises(TlaLimitError) as stopped:
            explored(tmp_path, text, TOP.format("FALSE"), count, max_states=3000)
        found.append(str(stopped.value))
    assert found[0] == found[1]


def test_small_levels_are_not_shared_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PAYS", 1000)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    explored(tmp_path, *CASES["ok"], 4)


@pytest.mark.parametrize("effect", ['PrintT("x")', "TLCSet(1, 2)", 'TLCGet("distinct") > 0', "RandomElement({1}) = 1"])
def test_what_depends_on_the_order_of_work_is_left_to_one(
    tmp_path: Path, effect: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    assert run(tmp_path, COUNTER.replace("EXTENDS", "EXTENDS TLC, ").replace("Turn ==", f"Turn == {effect} /\\")) == 0
    assert "--workers 2 is not used: the specification prints" in capsys.readouterr().out.splitlines()[0]


def test_the_level_may_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = COUNTER.replace("EXTENDS", "EXTENDS TLC, ").replace("Turn ==", 'Turn == TLCGet("level") < 5 /\\')
    assert run(tmp_path, text, "--no-deadlock") == 0
    assert "Workers: 2 processes expanded 10 of 10 levels." in capsys.readouterr().out


def test_simulation_says_that_it_uses_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, COUNTER, "--simulate", "2") == 0
    assert "--workers 2 is not used: one process simulates" in capsys.readouterr().out.splitlines()[0]


def run(folder: Path, text: str, *options: str) -> int:
    (folder / "Spec.tla").write_text(text)
    (folder / "Spec.cfg").write_text(TOP.format("FALSE"))
    return main(["tla", "check", str(folder / "Spec.tla"), "--workers", "2", *options])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the ids of the processes that are started."""
    fork, pids = os.fork, list[int]()

    def noted() -> int:
        pid = fork()
        pids.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", noted)
    return pids


def assert_gone(pids: list[int]) -> None:
    assert pids
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        assert not Path(f"/proc/{pid}").exists()


def test_a_worker_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(*_: object) -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    monkeypatch.setattr(workers, "_expand", killed)
    with pytest.raises(TlaWorkerError, match="was killed by signal 9"):
        explored(tmp_path, *CASES["ok"], 3)
    assert_gone(started)
    assert run(tmp_path, COUNTER) == 255
    assert f"the worker process {started[-2]} was killed by signal 9 (SIGKILL)" in capsys.readouterr().err


def test_a_worker_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[int]) -> None:
    monkeypatch.setattr(workers, "_expand", lambda *_: 1 // 0)
    with pytest.raises(TlaWorkerError, match="ended with status 1"):
        explored(tmp_path, *CASES["ok"], 2)
    assert_gone(started)


INTERRUPTING = """
import os, signal, sys
from checkers.tla.search import workers
from gantry.cli import main

fork, pids = os.fork, []

def noted():
    pids.append(fork())
    return pids[-1]

def expand(*_):
    os.kill(os.getppid(), signal.SIGINT)
    while True:
        signal.pause()

end = workers.Crew.end

def interrupted_again(self):
    os.kill(os.getpid(), signal.SIGINT)
    end(self)

workers.Crew.end = interrupted_again
os.fork, workers._expand, workers.PAYS, workers._PROBE = noted, expand, 0, 0
code = main(["tla", "check", *sys.argv[1:]])
left = [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
print(len(pids), left, code)
"""


def test_interrupts_end_the_workers_too(tmp_path: Path) -> None:
    (tmp_path / "Spec.tla").write_text(COUNTER)
    (tmp_path / "Spec.cfg").write_text(TOP.format("FALSE"))
    command = [sys.executable, "-c", INTERRUPTING, str(tmp_path / "Spec.tla"), "--workers", "2"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert found.stdout in {"1 [] 130\n", "2 [] 130\n"}  # the second worker may not have been started yet
    assert found.stderr == "gantry tla: interrupted\n"


def test_a_worker_leaves_when_its_parent_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        expand = workers._expand

        def orphaned(*args: Any) -> Any:
            os.kill(os.getppid(), signal.SIGKILL)
            return expand(*args)

        monkeypatch.setattr(workers, "_expand", orphaned)
        explored(tmp_path, *CASES["deep"], 2)
        os._exit(0)
    os.close(write)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert os.read(read, 1) == b""
    os.close(read)
