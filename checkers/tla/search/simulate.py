"""Random behaviours, which `--simulate` runs instead of the whole search."""

from __future__ import annotations

import random
import time

from checkers.tla.model.model import Model, State
from checkers.tla.search.check import Outcome
from checkers.tla.search.state_graph import Figures, Options, Violation
from checkers.tla.values.standard_modules import SESSION

_DEPTH = 100


def simulate(model: Model, options: Options, count: int, seed: int) -> Outcome:
    """Run random behaviours and check the safety properties on each.

    Args:
        model: what to run.
        options: `depth` bounds a behaviour's length (100 states without it).
        count: how many behaviours.
        seed: of the random choices; the same seed gives the same behaviours.
    """
    started = time.monotonic()
    chance = random.Random(seed)
    figures, violations = Figures(), list[Violation]()
    initial: list[State] = []
    trace: list[State] = []
    SESSION.facts.update(level=lambda: len(trace) or 1)
    try:
        model.initial(initial.append)
        for state in initial:
            _judge(model, [state], violations)
        starts = [s for s in initial if all(c.test(s) for c in model.constraints)]
        for _ in range(count if starts else 0):
            if violations and not options.keep_going:
                break
            trace[:] = [chance.choice(starts)]
            _walk(model, options, trace, chance, figures, violations)
            figures.depth = max(figures.depth, len(trace))
    except Exception as error:
        violations.append(Violation("error", None, trace, error=model.program.explain(error)))
    figures.seconds = time.monotonic() - started
    notes = [*model.notes, "simulation checks no temporal properties"] if model.temporal else list(model.notes)
    return Outcome(violations[0].verdict if violations else "ok", figures, violations, None, notes)


def _walk(
    model: Model, options: Options, trace: list[State], chance: random.Random, figures: Figures, out: list[Violation]
) -> None:
    while len(trace) < (options.depth or _DEPTH):
        found: list[State] = []
        model.successors(trace[-1], found.append)
        figures.generated += len(found)
        if not found:
            if options.check_deadlock:
                out.append(Violation("deadlock", None, list(trace)))
            return
        state = chance.choice(found)
        trace.append(state)
        if not _judge(model, trace, out) and not options.keep_going:
            return
        inside = all(c.test(state) for c in model.constraints)
        if not inside or not all(c.test(trace[-2], state) for c in model.action_constraints):
            return


def _judge(model: Model, trace: list[State], out: list[Violation]) -> bool:
    """Check the properties on the last state (and step) of a behaviour."""
    before = len(out)
    for named in model.invariants:
        if not named.test(trace[-1]):
            out.append(Violation("invariant", named.name, list(trace)))
    for named in model.steps if len(trace) > 1 else model.initial_properties:
        if not (named.test(trace[-2], trace[-1]) if len(trace) > 1 else named.test(trace[-1])):
            verdict = "action_property" if len(trace) > 1 else "property"
            out.append(Violation(verdict, named.name, list(trace)))
    return len(out) == before
