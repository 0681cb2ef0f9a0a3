"""An automaton for a temporal formula, built on demand: its states are sets of formulas still to be fulfilled.

A transition has the tests that the step must satisfy, the formulas to be fulfilled after it, and the `<>F` that it
postpones. A run is accepted when no `<>F` is postponed for ever.

Source: J.-M. Couvreur, On-the-fly Verification of Linear Temporal Logic, FM 1999.
"""

from __future__ import annotations

from typing import NamedTuple

from checkers.tla.model.temporal import Always, Both, Either, Eventually, Literal, Temporal

Obligations = frozenset[Temporal]


class Transition(NamedTuple):
    """A transition: tests of the step, the next automaton state, and the bits of the postponed `<>F`."""

    literals: tuple[Literal, ...]
    target: int
    postponed: int


class Automaton:
    """The automaton of one formula; state 0 is the initial one."""

    def __init__(self, formula: Temporal) -> None:
        self._states: list[Obligations] = [frozenset({formula})]
        self._numbers: dict[Obligations, int] = {self._states[0]: 0}
        self._transitions: dict[int, tuple[Transition, ...]] = {}
        self._promises: dict[Temporal, int] = {}

    @property
    def promises(self) -> int:
        """The bits of all `<>F` met so far."""
        return (1 << len(self._promises)) - 1

    def transitions(self, state: int) -> tuple[Transition, ...]:
        """Return the transitions from a state."""
        if state not in self._transitions:
            made: dict[Transition, None] = {}
            for literals, following, postponed in _expand(sorted(self._states[state], key=repr)):
                bits = 0
                for promise in postponed:
                    bits |= 1 << self._promises.setdefault(promise, len(self._promises))
                tests = tuple(sorted(literals, key=lambda item: (item.atom.step, item.atom.number)))
                made[Transition(tests, self._number(frozenset(following)), bits)] = None
            self._transitions[state] = tuple(made)
        return self._transitions[state]

    def _number(self, obligations: Obligations) -> int:
        if obligations not in self._numbers:
            self._numbers[obligations] = len(self._states)
            self._states.append(obligations)
        return self._numbers[obligations]


_Branch = tuple[frozenset[Literal], frozenset[Temporal], frozenset[Temporal]]


def _expand(formulas: list[Temporal]) -> list[_Branch]:
    """Return all ways to fulfil some formulas now: tests, formulas left for later, and the postponed `<>F`."""
    branches: list[tuple[list[Temporal], set[Literal], set[Temporal], set[Temporal]]] = [
        (formulas, set(), set(), set())
    ]
    done: list[_Branch] = []
    while branches:
        todo, literals, following, postponed = branches.pop()
        if not todo:
            done.append((frozenset(literals), frozenset(following), frozenset(postponed)))
            continue
        first, rest = todo[0], todo[1:]
        if isinstance(first, Literal):
            if Literal(first.atom, not first.positive) not in literals:
                branches.append((rest, literals | {first}, following, postponed))
        elif isinstance(first, Both):
            branches.append(([*first.parts, *rest], literals, following, postponed))
        elif isinstance(first, Either):
            branches += [([part, *rest], set(literals), set(following), set(postponed)) for part in first.parts]
        elif isinstance(first, Always):
            branches.append(([first.body, *rest], literals, following | {first}, postponed))
        else:
            assert isinstance(first, Eventually)
            branches.append(([first.body, *rest], set(literals), set(following), set(postponed)))
            branches.append((rest, literals, following | {first}, postponed | {first}))
    return done


def disjuncts(formula: Temporal) -> list[Temporal]:
    """Return the parts of a disjunction."""
    if isinstance(formula, Either):
        return [each for part in formula.parts for each in disjuncts(part)]
    return [formula]
