"""Breadth-first search of a model's states, with checks of its safety properties."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

from checkers.tla.errors import TlaEvalError, TlaLimitError
from checkers.tla.limits import memory_used
from checkers.tla.model.model import Model, Named, State
from checkers.tla.model.symmetry import Orbits
from checkers.tla.search.level_register import Level
from checkers.tla.search.state_graph import Figures, Options, StateGraph, Violation
from checkers.tla.search.workers import Crew, refusal
from checkers.tla.values.identity import Keys, sharer
from checkers.tla.values.standard_modules import SESSION


class Search:
    """One exploration of a model."""

    def __init__(self, model: Model, options: Options) -> None:
        self.level = Level()
        self.model = model = self.level.watched(model)
        self.options = options
        self.graph = StateGraph(model)
        self.figures = Figures()
        self.violations: list[Violation] = []
        # Equal values of one variable share an object.
        self._values: list[dict[Any, Any]] = [{} for _ in model.variables]
        self._depth = 0
        self._next = 0
        self._started = 0.0
        self.key = self._key_function()
        self.sharers: list[Callable[[Any, Any], Any]] = [values.setdefault for values in self._values]
        if model.program.truths:
            if model.view is not None or not model.permutations:
                self.key = Keys(self.graph.states, self.graph.index, self.key).key
            self.sharers = [sharer(values) for values in self._values]
        self.graph.key_of = self.key or self.graph.key_of
        self.refused = refusal(model.program) if options.workers > 1 else None
        self.crew = Crew(self, options.workers) if options.workers > 1 and not self.refused else None

    def shares(self) -> str | None:
        """Say whether and how several processes were used; None if they were not asked for."""
        if self.crew is None:
            return f"not used: {self.refused}" if self.refused else None
        return f"{self.options.workers} processes expanded {self.crew.levels} of {self._depth} levels"

    def _key_function(self) -> Callable[[State], Any] | None:
        if self.model.view is not None:
            return self.model.view
        model = self.model
        return Orbits(model.permutations, truths=model.program.truths).key if model.permutations else None

    def run(self) -> StateGraph:
        """Explore until the end, a violation, or a bound.

        Raises:
            TlaEvalError: an expression has no value; the trace is in `violations`.
            TlaLimitError: a bound was reached.
        """
        self._started = time.monotonic()
        enabled = gc.isenabled()
        gc.disable()
        SESSION.facts.update(
            level=lambda: self._depth + self.level.ahead, distinct=lambda: len(self.graph.states),
            diameter=lambda: self._depth, generated=lambda: self.figures.generated, queue=lambda: self.figures.queue,
            duration=lambda: int(time.monotonic() - self._started),
        )  # fmt: skip
        try:
            if self._initial():
                self._levels()
        finally:
            if enabled:
                gc.enable()
            self._measure()
        return self.graph

    def _measure(self) -> None:
        self.figures.distinct = len(self.graph.states)
        self.figures.depth = self._depth
        self.figures.queue = max(len(self.graph.states) - self._next, 0)
        self.figures.seconds = time.monotonic() - self._started

    # Initial states -----------------------------------------------------------------------------------------------

    def _initial(self) -> bool:
        model, graph = self.model, self.graph
        found: list[State] = []
        self._guard(lambda: model.initial(found.append), None, None)
        self._depth = 1 if found else 0
        for state in found:
            self.figures.generated += 1
            inside = self._inside(state)
            key = self.key(state) if self.key else state
            if inside and key in graph.index:
                continue
            for named in model.initial_properties:
                if not self._holds(named, state, None) and not self._violated("property", named.name, [state]):
                    return False
            for named in model.invariants:
                if not self._holds(named, state, None) and not self._violated("invariant", named.name, [state]):
                    return False
            if inside:
                graph.index[key] = len(graph.states)
                graph.states.append(state)
                graph.parents.append(-1)
        graph.initial_count = len(graph.states)
        return True

    def _inside(self, state: State) -> bool:
        return all(self._holds(named, state, None) for named in self.model.constraints)

    def _holds(self, named: Named, state: State, parent: int | None) -> bool:
        try:
            return named.test(state)
        except Exception as error:
            raise self._failed(error, parent, state) from error

    def _guard(self, work: Callable[[], object], number: int | None, state: State | None) -> None:
        try:
            work()
        except Exception as error:
            raise self._failed(error, number, state) from error

    def _failed(self, error: Exception, parent: int | None, state: State | None) -> TlaEvalError:
        """Turn any exception of generated code into an evaluation error, and keep the trace to it."""
        found = self.model.program.explain(error)
        trace = self.graph.path(parent) if parent is not None else []
        if state is not None:
            trace.append(state)
        self.violations.append(Violation("error", None, trace, error=found))
        return found

    def _violated(self, verdict: str, name: str | None, trace: list[State]) -> bool:
        """Record a violation; return whether to go on."""
        self.violations.append(Violation(verdict, name, trace))
        return self.options.keep_going

    # The search ---------------------------------------------------------------------------------------------------

    def _levels(self) -> None:
        graph = self.graph
        start, end = 0, len(graph.states)
        self.level.searching = True
        while start < end:
            if self.options.depth is not None and self._depth >= self.options.depth:
                return
            if not (self.crew.level(start, end) if self.crew is not None else self.expand(start, end)):
                return
            start, end = end, len(graph.states)
            if start < end:
                self._depth += 1

    def expand(self, start: int, end: int) -> bool:
        """Expand some states of one level; return whether to go on."""
        graph, options, model = self.graph, self.options, self.model
        states, index, parents, key_of = graph.states, graph.index, graph.parents, self.key
        successors, steps = model.successors, model.steps
        bounded = bool(model.constraints or model.action_constraints)
        keep_edges, targets, offsets = options.keep_edges, graph.targets, graph.offsets
        invariants = [named.test for named in model.invariants]
        shared = self.sharers
        for number in range(start, end):
            state = states[number]
            self._next = number + 1
            found: list[State] = []
            try:
                successors(state, found.append)
            except Exception as error:
                raise self._failed(error, number, None) from error
            self.figures.generated += len(found)
            if not found and options.check_deadlock and not self._violated("deadlock", None, graph.path(number)):
                return False
            if keep_edges:
                offsets.append(len(targets))
            for target in found:
                inside = not bounded or self._allowed(state, target, number)
                key = target if key_of is None else self._key_of(key_of, target, number)
                if inside:
                    place = index.get(key)
                    if place is None:
                        whole = key is target
                        target = tuple([share(v, v) for share, v in zip(shared, target, strict=True)])  # noqa: PLW2901
                        place = index[target if whole else key] = len(states)
                        states.append(target)
                        parents.append(number)
                        fresh = True
                    else:
                        fresh = False
                    if keep_edges:
                        targets.append(place)
                else:
                    fresh = True
                if fresh:
                    try:
                        for test in invariants:
                            if not test(target):
                                break
                        else:
                            test = None
                    except Exception as error:
                        raise self._failed(error, number, target) from error
                    if test is not None and not self._broken(number, target):
                        return False
                if steps and not self._steps(state, target, number):
                    return False
            if not number & 1023:
                self._watch()
        return True

    def _key_of(self, key: Callable[[State], Any], target: State, number: int) -> Any:
        try:
            return key(target)
        except Exception as error:
            raise self._failed(error, number, target) from error

    def _allowed(self, state: State, target: State, number: int) -> bool:
        try:
            return all(named.test(target) for named in self.model.constraints) and all(
                named.test(state, target) for named in self.model.action_constraints
            )
        except Exception as error:
            raise self._failed(error, number, target) from error

    def _broken(self, number: int, target: State) -> bool:
        for named in self.model.invariants:
            if not named.test(target) and not self._violated(
                "invariant", named.name, [*self.graph.path(number), target]
            ):
                return False
        return True

    def _steps(self, state: State, target: State, number: int) -> bool:
        for named in self.model.steps:
            try:
                holds = named.test(state, target)
            except Exception as error:
                raise self._failed(error, number, target) from error
            if not holds and not self._violated("action_property", named.name, [*self.graph.path(number), target]):
                return False
        return True

    def merged(self, end: int) -> None:
        """Record that workers have expanded the states up to one."""
        self._next = end
        if not (end - 1) & 1023:
            self._watch()

    def _watch(self) -> None:
        options, figures = self.options, self.figures
        if options.max_states is not None and len(self.graph.states) > options.max_states:
            raise TlaLimitError(f"stopped after {len(self.graph.states)} distinct states (--max-states)")
        if options.max_memory is not None and (used := self._memory()) > options.max_memory:
            raise TlaLimitError(f"stopped at {used} MiB with {len(self.graph.states)} distinct states (--max-memory)")
        if options.progress is not None:
            self._measure()
            options.progress(figures)

    def _memory(self) -> int:
        return memory_used() + (self.crew.memory() if self.crew is not None else 0)
