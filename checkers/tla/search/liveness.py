"""Liveness: a property is violated when some fair behaviour satisfies its negation.

The graph of states is combined with an automaton for the negation. A strongly connected component of the product
contains a counterexample when a behaviour can stay in it such that nothing is postponed for ever, every weakly fair
action is taken or disabled infinitely often, and every strongly fair one is taken infinitely often or is disabled
from some point on.
Every state has a step to itself: a behaviour may always stutter.

Source: Lichtenstein and Pnueli, Checking that Finite State Concurrent Programs Satisfy Their Linear Specification,
POPL 1985 (strong fairness by removing the states where an action that is never taken is enabled).
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

from checkers.tla.model.model import Formula, Model, State
from checkers.tla.model.temporal import Atom, Both, Fair, Literal, Temporal, Translator
from checkers.tla.search.automaton import Automaton, disjuncts
from checkers.tla.search.components import Components
from checkers.tla.search.state_graph import StateGraph, Violation

Edge = tuple[int, int, int, int]
"""A step of the product: its source, its target, the postponed `<>F`, and the number of the graph's step."""
Goal = Callable[[Edge], bool]
_Way = tuple[list[Literal], int, int]


class Tests:
    """Values of atoms on states and steps, each computed once and kept in a byte.

    Steps are numbered as in the graph, followed by each state's step to itself.
    """

    def __init__(self, model: Model, graph: StateGraph) -> None:
        self._model = model
        self._graph = graph
        self._tables: dict[int, bytearray] = {}

    def _table(self, atom: Atom) -> bytearray:
        size = len(self._graph.states) + (len(self._graph.targets) if atom.step else 0)
        return self._tables.setdefault(atom.number, bytearray(size))

    def on_state(self, atom: Atom, state: int) -> bool:
        """Return whether an atom is true in a state."""
        table = self._tables.get(atom.number) or self._table(atom)
        if not table[state]:
            table[state] = 2 if self._run(atom, self._graph.states[state]) else 1
        return table[state] == 2

    def on_step(self, atom: Atom, step: int, source: int, target: int) -> bool:
        """Return whether an atom is true of a step."""
        table = self._tables.get(atom.number) or self._table(atom)
        if not table[step]:
            states = self._graph.states
            table[step] = 2 if self._run(atom, states[source], states[target]) else 1
        return table[step] == 2

    def _run(self, atom: Atom, *states: State) -> bool:
        try:
            return atom.test(*states)
        except Exception as error:
            raise self._model.program.explain(error) from error


class Product:
    """The reachable pairs of a state of the graph and a state of the automaton.

    Attributes:
        states: for each node of the product the number of its state.
        parents: for each node, the node that it was found from (-1 for an initial one).
    """

    def __init__(self, graph: StateGraph, automaton: Automaton, tests: Tests) -> None:
        self.graph = graph
        self.states = array("q")
        self.parents = array("q")
        self._offsets = array("q", [0])
        self._targets = array("q")
        self._postponed = array("q")
        self._steps = array("q")
        self._explore(automaton, tests)
        self.promises = automaton.promises

    def _explore(self, automaton: Automaton, tests: Tests) -> None:
        unknown = array("q", [-1]) * len(self.graph.states)
        numbers: defaultdict[int, array[int]] = defaultdict(lambda: unknown[:])
        for state in range(self.graph.initial_count):
            numbers[0][state] = state
            self.states.append(state)
            self.parents.append(-1)
        inner = array("q", [0]) * self.graph.initial_count
        node = 0
        while node < len(self.states):
            state = self.states[node]
            ways = _ways(automaton, inner[node], tests, state)
            for target, step in self._outgoing(state) if ways else ():
                for literals, following, postponed in ways:
                    if literals and not all(
                        tests.on_step(item.atom, step, state, target) == item.positive for item in literals
                    ):
                        continue
                    number = numbers[following][target]
                    if number < 0:
                        number = numbers[following][target] = len(self.states)
                        self.states.append(target)
                        self.parents.append(node)
                        inner.append(following)
                    self._targets.append(number)
                    self._postponed.append(postponed)
                    self._steps.append(step)
            self._offsets.append(len(self._targets))
            node += 1

    def _outgoing(self, state: int) -> Iterable[tuple[int, int]]:
        """Return the different successors of a state, itself included, with the numbers of the steps."""
        found: dict[int, int] = {}
        start = self.graph.first_step(state)
        for step, target in enumerate(self.graph.successors(state), start):
            found.setdefault(target, step)
        found.setdefault(state, len(self.graph.targets) + state)
        return found.items()

    def successors(self, node: int) -> array[int]:
        """Return the nodes that a node has steps to."""
        return self._targets[self._offsets[node] : self._offsets[node + 1]]

    def edges(self, node: int) -> Iterator[Edge]:
        """Yield the steps from a node."""
        for place in range(self._offsets[node], self._offsets[node + 1]):
            yield node, self._targets[place], self._postponed[place], self._steps[place]

    def path(self, node: int) -> list[int]:
        """Return the nodes of a path from an initial node to this one."""
        nodes = []
        while node >= 0:
            nodes.append(node)
            node = self.parents[node]
        return nodes[::-1]


class Checker:
    """Looks for a fair behaviour in a product."""

    def __init__(self, product: Product, fairness: list[Fair], tests: Tests) -> None:
        self.product = product
        self.fairness = fairness
        self.tests = tests

    def find(self) -> tuple[list[int], int] | None:
        """Find the nodes of a fair behaviour and where its loop starts; None if there is none."""
        product = self.product
        components = Components(len(product.states))
        waiting: list[set[int]] = []
        todo: Iterable[list[int]] = components.among(range(len(product.states)), product.successors)
        while True:
            for found in todo:
                members = set(found)
                goals = self._goals(members)
                if isinstance(goals, set):
                    waiting.append(members - goals)
                elif goals is not None:
                    return self._lasso(members, goals)
            if not waiting:
                return None
            inside = waiting.pop()
            succ = {n: [t for t in product.successors(n) if t in inside] for n in inside}
            todo = components.among(sorted(inside), succ.__getitem__)

    def _inside(self, members: set[int]) -> Iterator[Edge]:
        for node in members:
            for edge in self.product.edges(node):
                if edge[1] in members:
                    yield edge

    def _goals(self, members: set[int]) -> list[Goal] | set[int] | None:
        """Return what a loop must visit; None if it cannot be fair; or the nodes to leave out for it to be fair."""
        if not any(True for _ in self._inside(members)):
            return None
        goals: list[Goal] = []
        for bit in range(self.product.promises.bit_length()):
            mask = 1 << bit
            if all(edge[2] & mask for edge in self._inside(members)):
                return None
            goals.append(lambda edge, mask=mask: not edge[2] & mask)  # type: ignore[misc]
        for fair in self.fairness:
            goal = self._fair_goal(fair)
            if any(map(goal, self._inside(members))):
                goals.append(goal)
                continue
            if not fair.strong:
                return None
            state = self.product.states
            possible = {n for n in members if self.tests.on_state(fair.enabled, state[n])}
            if possible:
                return possible
        return goals

    def _fair_goal(self, fair: Fair) -> Goal:
        states, tests = self.product.states, self.tests

        def goal(edge: Edge) -> bool:
            source, target = states[edge[0]], states[edge[1]]
            if not fair.strong and not tests.on_state(fair.enabled, source):
                return True
            return source != target and tests.on_step(fair.taken, edge[3], source, target)

        return goal

    def _lasso(self, members: set[int], goals: list[Goal]) -> tuple[list[int], int]:
        """Return a path into the component and a loop in it that reaches every goal."""
        entry = min(members, key=lambda node: (len(self.product.path(node)) if len(members) < 2000 else node, node))
        prefix = self.product.path(entry)
        loop = [entry]
        left = list(goals)
        while left:
            walk = self._walk(loop[-1], members, lambda edge, left=left: any(goal(edge) for goal in left))  # type: ignore[misc]
            loop += [edge[1] for edge in walk]
            left = [goal for goal in left if not any(map(goal, walk))]
        if loop[-1] != entry or len(loop) == 1:
            loop += [edge[1] for edge in self._walk(loop[-1], members, lambda edge: edge[1] == entry)]
        return prefix + loop[1:-1], len(prefix) - 1

    def _walk(self, start: int, members: set[int], wanted: Goal) -> list[Edge]:
        """Return a shortest walk within a component whose last step reaches a goal."""
        came: dict[int, Edge] = {}
        queue = deque([start])
        seen = {start}
        while queue:
            node = queue.popleft()
            for edge in self.product.edges(node):
                if edge[1] not in members:
                    continue
                if wanted(edge):
                    walk = [edge]
                    while node != start:
                        walk.append(came[node])
                        node = came[node][0]
                    return walk[::-1]
                if edge[1] not in seen:
                    seen.add(edge[1])
                    came[edge[1]] = edge
                    queue.append(edge[1])
        raise AssertionError


def _ways(automaton: Automaton, place: int, tests: Tests, state: int) -> list[_Way]:
    """Return the transitions of the automaton that a state allows, with their tests of the step."""
    ways: list[_Way] = []
    for literals, following, postponed in automaton.transitions(place):
        steps = []
        for item in literals:
            if item.atom.step:
                steps.append(item)
            elif tests.on_state(item.atom, state) != item.positive:
                break
        else:
            ways.append((steps, following, postponed))
    return ways


def check_liveness(model: Model, graph: StateGraph, *, keep_going: bool) -> list[Violation]:
    """Check the temporal properties of a model on its graph of states.

    Raises:
        TlaError: for formulas that cannot be checked, or whose parts have no value.
    """
    translator = Translator(model.builder)
    tests = Tests(model, graph)
    fairness: list[Fair] = []
    assumed: list[Temporal] = []
    for formula in model.fairness:
        fair = translator.fair(formula)
        if fair is None:
            assumed.append(translator.translate(formula, positive=True))
        else:
            fairness.append(fair)
    violations = []
    for name, parts in model.temporal:
        found = _violation(parts, translator, tests, graph, fairness, assumed)
        if found is not None:
            nodes, start = _without_repeats(*found)
            trace = [graph.states[number] for number in nodes]
            violations.append(Violation("property", name, trace, start))
            if not keep_going:
                break
    return violations


def _without_repeats(numbers: list[int], start: int) -> tuple[list[int], int]:
    """Remove steps that change nothing from a lasso; a loop of one state is a behaviour that stops."""
    kept: list[int] = []
    begin = 0
    for place, number in enumerate(numbers):
        if not kept or kept[-1] != number:
            kept.append(number)
        if place == start:
            begin = len(kept) - 1
    if len(kept) - begin > 1 and kept[-1] == kept[begin]:
        kept.pop()
    return kept, begin


def _violation(
    parts: list[Formula],
    translator: Translator,
    tests: Tests,
    graph: StateGraph,
    fairness: list[Fair],
    assumed: list[Temporal],
) -> tuple[list[int], int] | None:
    for part in parts:
        for negated in disjuncts(translator.translate(part, positive=False)):
            formula: Temporal = Both((negated, *assumed)) if assumed else negated
            product = Product(graph, Automaton(formula), tests)
            found = Checker(product, fairness, tests).find()
            if found is not None:
                return [product.states[node] for node in found[0]], found[1]
    return None
