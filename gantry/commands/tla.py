"""`gantry tla check|eval|parse`: model checking of TLA+ without Java."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from checkers.tla import Specification, TlaError, TlaEvalError, TlaLimitError, load
from checkers.tla.errors import TlaConfigError, TlaSemanticError, TlaSyntaxError, TlaWorkerError
from checkers.tla.model.expression import STANDARD, evaluate
from checkers.tla.model.model import Model
from checkers.tla.search.check import Outcome, check
from checkers.tla.search.dump import write_dot, write_json
from checkers.tla.search.simulate import simulate
from checkers.tla.search.state_graph import Figures, Options, Violation
from checkers.tla.search.traces import trace_json, trace_lines
from checkers.tla.values.show import show
from checkers.tla.values.standard_modules import SESSION

OK, ASSUMPTION, DEADLOCK, SAFETY, LIVENESS = 0, 10, 11, 12, 13
ASSERTION, EVALUATION, LIMIT, PARSING, CONFIGURATION, WORKER = 14, 75, 20, 150, 151, 255
_EXITS = {
    "ok": OK, "assumption": ASSUMPTION, "deadlock": DEADLOCK, "invariant": SAFETY, "action_property": LIVENESS,
    "property": LIVENESS, "error": EVALUATION,
}  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run one verb."""
    verbs: dict[str, Callable[[argparse.Namespace], int]] = {"check": _check, "eval": _eval, "parse": _parse}
    return verbs[arguments.verb](arguments)


def _complain(error: TlaError) -> None:
    print(f"gantry tla: {error}", file=sys.stderr)
    if isinstance(error, TlaEvalError) and len(error.stack) > 1:
        print("  while evaluating, from the inside out:", file=sys.stderr)
        for position in error.stack[1:8]:
            print(f"    {position}", file=sys.stderr)


def _exit_of(error: TlaError) -> int:
    if isinstance(error, TlaLimitError):
        return LIMIT
    if isinstance(error, TlaWorkerError):
        return WORKER
    if isinstance(error, TlaSyntaxError | TlaSemanticError) and error.kind != "config":
        return PARSING
    return CONFIGURATION if isinstance(error, TlaConfigError) or error.kind == "config" else EVALUATION


# check ------------------------------------------------------------------------------------------------------------


class _Progress:
    """Prints progress: one line that is overwritten on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.terminal = sys.stderr.isatty()
        self.last = time.monotonic()

    def __call__(self, figures: Figures) -> None:
        now = time.monotonic()
        if self.quiet or now - self.last < (0.5 if self.terminal else 10):
            return
        self.last = now
        text = (
            f"depth {figures.depth}: {figures.generated:,} states generated, {figures.distinct:,} distinct, "
            f"{figures.queue:,} on the queue, {figures.seconds:.0f} s"
        )
        print(
            f"\r{text}\x1b[K" if self.terminal else text, end="" if self.terminal else "\n", file=sys.stderr, flush=True
        )

    def done(self) -> None:
        if self.terminal and not self.quiet:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _check(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    SESSION.write = (lambda text: print(text, file=sys.stderr)) if arguments.json else print
    progress = _Progress(arguments.json)
    try:
        SESSION.random.seed(arguments.seed)
        specification = load(arguments.spec)
        config = specification.config(arguments.config)
        model = specification.model(config)
        options = Options(
            check_deadlock=config.check_deadlock and not arguments.no_deadlock,
            depth=arguments.depth,
            keep_going=arguments.keep_going,
            keep_edges=arguments.dump is not None,
            max_states=arguments.max_states,
            max_memory=arguments.max_memory,
            progress=progress,
            workers=arguments.workers,
        )
        if arguments.simulate is not None:
            if arguments.workers > 1 and not arguments.json:
                print(f"Note: --workers {arguments.workers} is not used: one process simulates.")
            outcome = simulate(model, options, arguments.simulate, arguments.seed)
        else:
            outcome = check(model, options, lambda text: None if arguments.json else print(text))
        progress.done()
        if arguments.dump and outcome.graph is not None:
            _dump(arguments.dump, outcome)
    except TlaError as error:
        progress.done()
        if arguments.json:
            print(json.dumps(_failure(error, time.monotonic() - started)))
        else:
            _complain(error)
        return _exit_of(error)
    except KeyboardInterrupt:
        progress.done()
        print("gantry tla: interrupted", file=sys.stderr)
        return 130
    if arguments.json:
        print(json.dumps(_as_json(model, outcome)))
    else:
        _report(model, outcome, coverage=arguments.coverage)
    return _exit_for(outcome)


def _exit_for(outcome: Outcome) -> int:
    """Return TLC's exit code: an assumption without a value counts as false, and Assert has its own code after Init."""
    first = outcome.violations[0] if outcome.violations else None
    if first is not None and first.error is not None:
        if first.name is not None:
            return ASSUMPTION
        if first.error.kind == "assert" and outcome.figures.distinct:
            return ASSERTION
    return _EXITS[outcome.verdict]


def _dump(dump: list[str], outcome: Outcome) -> None:
    kind, path = dump
    writers = {"dot": write_dot, "json": write_json}
    if kind not in writers:
        raise TlaConfigError(f"--dump takes dot or json, not {kind}")
    assert outcome.graph is not None
    try:
        with open(path, "w", encoding="utf-8") as file:
            writers[kind](outcome.graph, file)
    except OSError as error:
        raise TlaConfigError(f"cannot write {path}: {error.strerror}") from error


def _failure(error: TlaError, seconds: float) -> dict[str, Any]:
    where = error.position
    return {
        "verdict": "error", "error": error.kind, "message": error.detail, "distinct": None, "generated": None,
        "depth": None, "violated": None, "trace": [], "loop_start": None, "seconds": round(seconds, 3),
        "line": where.line if where else None, "column": where.column if where else None,
        "module": where.module if where else None,
    }  # fmt: skip


def _as_json(model: Model, outcome: Outcome) -> dict[str, Any]:
    figures = outcome.figures
    first = outcome.violations[0] if outcome.violations else None
    result: dict[str, Any] = {
        "verdict": outcome.verdict, "distinct": figures.distinct, "generated": figures.generated,
        "depth": figures.depth, "queue": figures.queue, "violated": first.name if first else None,
        "trace": trace_json(model, first) if first else [], "loop_start": first.loop_start if first else None,
        "seconds": round(figures.seconds, 3), "notes": outcome.notes,
    }  # fmt: skip
    if first is not None and first.error is not None:
        where = first.error.position
        result |= {"error": first.error.kind, "message": first.error.detail, "position": str(where) if where else None}
    if outcome.workers is not None:
        result["workers"] = outcome.workers
    if len(outcome.violations) > 1:
        result["violations"] = [{"verdict": v.verdict, "violated": v.name} for v in outcome.violations]
    return result


def _headline(violation: Violation) -> str:
    name = violation.name
    if violation.verdict == "invariant":
        return f"Error: Invariant {name} is violated."
    if violation.verdict == "action_property":
        return f"Error: Action property {name} is violated."
    if violation.verdict == "property":
        return f"Error: Temporal property {name} is violated."
    if violation.verdict == "assumption":
        return f"Error: Assumption {name} is false."
    if violation.verdict == "deadlock":
        return "Error: Deadlock reached."
    error = violation.error
    action = f" in action {error.action}" if isinstance(error, TlaEvalError) and error.action else ""
    return f"Error: evaluation failed{action}: {error}"


def _report(model: Model, outcome: Outcome, *, coverage: bool) -> None:
    for violation in outcome.violations[:10]:
        print(_headline(violation))
        error = violation.error
        if isinstance(error, TlaEvalError) and len(error.stack) > 1:
            print("While evaluating, from the inside out:")
            for position in error.stack[:8]:
                print(f"  {position}")
        if violation.trace:
            print("The behavior up to this point is:")
            for line in trace_lines(model, violation, bold=sys.stdout.isatty()):
                print(line)
    if len(outcome.violations) > 10:
        print(f"... and {len(outcome.violations) - 10} more violations")
    for note in outcome.notes:
        print(f"Note: {note}.")
    if outcome.verdict == "ok":
        print("Model checking completed. No error has been found.")
    figures = outcome.figures
    print(
        f"{figures.generated} states generated, {figures.distinct} distinct states found, "
        f"{figures.queue} states left on queue."
    )
    print(f"The depth of the state graph search is {figures.depth}.")
    if outcome.workers is not None:
        print(f"Workers: {outcome.workers}.")
    if coverage and outcome.graph is not None:
        _print_coverage(model, outcome)
    print(f"Finished in {figures.seconds:.2f} s.")


def _print_coverage(model: Model, outcome: Outcome) -> None:
    assert outcome.graph is not None
    print("Coverage (transitions by action):")
    for action in model.actions:
        count = 0
        for state in outcome.graph.states:
            found: list[Any] = []
            action.run(state, found.append)
            count += len(found)
        print(f"  {count:>10}  <{action.name} {action.position}>")


# eval and parse ---------------------------------------------------------------------------------------------------


def _eval(arguments: argparse.Namespace) -> int:
    SESSION.write = print
    try:
        specification = load(arguments.module) if arguments.module else None
    except TlaError as error:
        _complain(error)
        return _exit_of(error)
    if arguments.expression is not None:
        return _evaluate(arguments.expression, specification, arguments.config)
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - line editing for input()
    while True:
        try:
            text = input("tla> " if sys.stdin.isatty() else "")
        except (EOFError, KeyboardInterrupt):
            if sys.stdin.isatty():
                print()
            return 0
        if text.strip():
            _evaluate(text, specification, arguments.config)


def _evaluate(text: str, specification: Specification | None, config: str | None) -> int:
    try:
        if specification is None:
            print(show(evaluate(text)))
        else:
            extends = (specification.module.name, *STANDARD)
            chosen = specification.config(config) if config else None
            print(show(evaluate(text, specification.loader, extends, chosen)))
    except TlaError as error:
        where = error.position
        place = f" at line {where.line}, column {where.column}" if where else ""
        if where and where.module != "Expression":
            place += f" of module {where.module}"
        print(f"gantry tla: {error.kind} error{place}: {error.detail}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: argparse.Namespace) -> int:
    try:
        specification = load(arguments.spec)
    except TlaError as error:
        _complain(error)
        return _exit_of(error)
    module = specification.module
    for note in module.notes:
        print(f"Note: {note}.")
    print(
        f"{os.path.basename(arguments.spec)}: module {module.name}, {len(module.constants)} constants, "
        f"{len(module.variables)} variables, {len(module.symbols)} names"
    )
    return 0
