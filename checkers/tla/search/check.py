"""Checks a model: assumptions, then safety properties during the search, then liveness on the graph."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from checkers.tla.errors import TlaEvalError, TlaUnsupportedError
from checkers.tla.model.model import Model
from checkers.tla.search.explore import Search
from checkers.tla.search.liveness import check_liveness
from checkers.tla.search.state_graph import Figures, Options, StateGraph, Violation


@dataclass(slots=True)
class Outcome:
    """The result of checking.

    Attributes:
        verdict: `ok`, or the verdict of the first violation.
        violations: all violations found; more than one only with the option to keep going.
        at_stop: the figures when the first violation was found.
        workers: whether and how several processes were used, if they were asked for.
    """

    verdict: str
    figures: Figures
    violations: list[Violation] = field(default_factory=list)
    graph: StateGraph | None = None
    notes: list[str] = field(default_factory=list)
    workers: str | None = None


def check(model: Model, options: Options, report: Callable[[str], object] = lambda _: None) -> Outcome:
    """Check all that the model's configuration asks for.

    Raises:
        TlaLimitError: when a bound stops the search.
    """
    started = time.monotonic()
    if model.temporal and model.permutations:
        raise TlaUnsupportedError("SYMMETRY and liveness do not go together: remove SYMMETRY or the temporal property")
    figures = Figures()
    violations: list[Violation] = []
    for assumption in model.assumptions:
        try:
            holds = assumption.test()
        except Exception as error:
            found = model.program.explain(error)
            return Outcome("error", figures, [Violation("error", assumption.name, error=found)])
        if not holds:
            violations.append(Violation("assumption", assumption.name))
            return Outcome("assumption", figures, violations)
    options.keep_edges = options.keep_edges or bool(model.temporal)
    search = Search(model, options)
    if search.refused:
        report(f"Note: --workers {options.workers} is not used: {search.refused}.")
    try:
        graph = search.run()
    except TlaEvalError:
        return Outcome("error", search.figures, search.violations, search.graph, workers=search.shares())
    violations = search.violations
    if model.temporal and (not violations or options.keep_going):
        report(f"Checking {len(model.temporal)} temporal propert{'y' if len(model.temporal) == 1 else 'ies'} ...")
        try:
            violations += check_liveness(model, graph, keep_going=options.keep_going)
        except TlaEvalError as error:
            violations.append(Violation("error", None, error=error))
    if model.postcondition is not None and not violations:
        try:
            if not model.postcondition.test():
                violations.append(Violation("assumption", model.postcondition.name))
        except Exception as error:
            violations.append(Violation("error", None, error=model.program.explain(error)))
    search.figures.seconds = time.monotonic() - started
    verdict = violations[0].verdict if violations else "ok"
    return Outcome(verdict, search.figures, violations, graph, list(model.notes), search.shares())
