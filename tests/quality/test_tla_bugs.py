"""Bugs planted into the checker; its tests must notice each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checkers.tla.codegen import levels, program
from checkers.tla.errors import TlaError
from checkers.tla.model import constants
from checkers.tla.model.expression import evaluate
from checkers.tla.model.symmetry import Orbits
from checkers.tla.parse import precedence
from checkers.tla.parse.syntax import Module
from checkers.tla.search import automaton, explore, liveness, workers
from checkers.tla.values import constructors, equality, helpers, sets, values
from checkers.tla.values.show import show
from tests.checkers.tla.codegen import test_actions
from tests.checkers.tla.model import test_constants, test_expression
from tests.checkers.tla.search import test_check, test_workers
from tests.checkers.tla.specs import RING, figures, run

Patch = pytest.MonkeyPatch


def precedence_is_ignored(patch: Patch) -> None:
    patch.setitem(precedence.INFIXES, "mod", precedence.Fixity("%", 12, 12, precedence.INFIX))


def any_values_may_be_compared(patch: Patch) -> None:
    patch.setattr(equality, "eq", lambda a, b: values.normal(a) == values.normal(b))


def except_appends(patch: Patch) -> None:
    patch.setattr(helpers, "place", lambda f, x: x - 1 if x.__class__ is int else f[0].index.get(x))


def choose_takes_the_last(patch: Patch) -> None:
    patch.setattr(constructors, "in_order", lambda members: tuple(sets.listed(members))[::-1])
    patch.setattr(program, "ordered", lambda members: values.ordered(members)[::-1])


def intervals_lack_their_end(patch: Patch) -> None:
    patch.setattr(sets.Interval, "elements", lambda self: iter(range(self.low, self.high)))


def sets_of_functions_take_any_domain(patch: Patch) -> None:
    patch.setattr(sets.FunctionSet, "contains", lambda self, value: True)


def states_outside_a_constraint_are_not_checked(patch: Patch) -> None:
    original = explore.Search.expand

    def level(self: explore.Search, start: int, end: int) -> bool:
        successors = self.model.successors
        self.model.successors = lambda state, emit: successors(
            state, lambda target: emit(target) if self._inside(target) else None
        )
        try:
            return original(self, start, end)
        finally:
            self.model.successors = successors

    patch.setattr(explore.Search, "expand", level)


def symmetry_does_nothing(patch: Patch) -> None:
    patch.setattr(Orbits, "key", lambda self, state: state)


def symmetry_leaves_keys_where_they_are(patch: Patch) -> None:
    original = Orbits._domain
    patch.setattr(Orbits, "_domain", lambda self, over: [(image, None) for image, _ in original(self, over)])


def symmetry_takes_the_first_permutation_for_all(patch: Patch) -> None:
    original = Orbits._image
    patch.setattr(Orbits, "_image", lambda self, state, at: original(self, state, min(at, 1)))


def strong_fairness_is_forgotten(patch: Patch) -> None:
    original = liveness.Checker.__init__

    def start(self: Any, product: Any, fairness: Any, tests: Any) -> None:
        original(self, product, [fair for fair in fairness if not fair.strong], tests)

    patch.setattr(liveness.Checker, "__init__", start)


def every_behaviour_is_fair(patch: Patch) -> None:
    original = liveness.Checker.__init__
    patch.setattr(
        liveness.Checker, "__init__", lambda self, product, fairness, tests: original(self, product, [], tests)
    )


def nothing_is_put_off(patch: Patch) -> None:
    patch.setattr(automaton.Automaton, "promises", property(lambda self: 0))


def a_name_of_the_configuration_is_one_of_every_module(patch: Patch) -> None:
    original = constants.Constants._bind

    def bind(self: Any, symbol: Any, way: Any, binding: Any) -> None:
        original(self, symbol, way, binding)
        for module in self.loader.modules.values():
            if (other := module.symbols.get(symbol.name)) is not None:
                original(self, other, (), binding)

    patch.setattr(constants.Constants, "_bind", bind)


def what_is_replaced_is_replaced_in_instances_too(patch: Patch) -> None:
    original = levels.Levels.lookup
    patch.setattr(levels.Levels, "lookup", lambda self, symbol, env, path=(): original(self, symbol, env))


def an_instance_copies_what_depends_on_no_parameter(patch: Patch) -> None:
    patch.setattr(Module, "hands_on_itself", lambda self, symbol: False)


def an_instance_copies_nothing(patch: Patch) -> None:
    patch.setattr(Module, "hands_on_itself", lambda self, symbol: True)


def next_values_in_enabled_are_those_of_what_is_substituted(patch: Patch) -> None:
    patch.setattr(levels.Levels, "within_enabled", lambda self, env, places, first: env)


def arguments_of_an_enabled_leave_the_instance(patch: Patch) -> None:
    patch.setattr(levels, "_moved", lambda binding, environments: binding)


def variables_of_an_enabled_share_a_place(patch: Patch) -> None:
    original = levels.Levels.within_enabled

    class Shared(dict[Any, int]):
        def setdefault(self, _: Any, place: int = 0) -> int:
            return place

    patch.setattr(
        levels.Levels, "within_enabled", lambda self, env, places, first: original(self, env, Shared(), first)
    )


def merging_loses_a_successor(patch: Patch) -> None:
    original = workers.Crew._merge

    def merge(self: Any, worker: Any, block: Any, *where: Any) -> None:
        if len(block.sources) > 1:
            block.sources.pop()
            for _, places in block.columns:
                places.pop()
        original(self, worker, block, *where)

    patch.setattr(workers.Crew, "_merge", merge)


def merging_counts_twice(patch: Patch) -> None:
    original = workers.Crew._merge

    def merge(self: Any, worker: Any, block: Any, *where: Any) -> None:
        block.generated += len(block.sources)
        original(self, worker, block, *where)

    patch.setattr(workers.Crew, "_merge", merge)


def blocks_are_merged_in_any_order(patch: Patch) -> None:
    original = workers.Crew._blocks
    patch.setattr(workers.Crew, "_blocks", lambda self, *where: reversed(list(original(self, *where))))


def numbers_of_a_worker_are_taken_for_ours(patch: Patch) -> None:
    original = workers.Crew._merge
    patch.setattr(
        workers.Crew, "_merge", lambda self, worker, block, base, end: original(self, worker, block, 1 << 40, end)
    )


def a_worker_keeps_its_trouble_to_itself(patch: Patch) -> None:
    original = workers._expand

    def expand(*args: Any) -> Any:
        block = original(*args)
        block.trouble = block.last = False
        return block

    patch.setattr(workers, "_expand", expand)


def language(patch: Patch, folder: Path) -> None:
    for feature in test_expression.VALUES:
        test_expression.test_values(feature)
    for kind in test_expression.ERRORS:
        if kind != "stack":
            test_expression.test_every_class_of_error(kind)


def membership(patch: Patch, folder: Path) -> None:
    assert show(evaluate("<<1, 2>> \\in [1..3 -> 1..2]")) == "FALSE"


def constraint(patch: Patch, folder: Path) -> None:
    test_check.test_invariants_hold_outside_a_constraint_too(folder)


def symmetry(patch: Patch, folder: Path) -> None:
    assert figures(run(folder, RING, test_check.NODES + "SPECIFICATION Spec SYMMETRY Perms"))[1] == 10


def rooms(patch: Patch, folder: Path) -> None:
    test_check.test_symmetry_in_two_sets_and_within_all_kinds_of_values(folder)


def fairness(patch: Patch, folder: Path) -> None:
    test_check.test_strong_fairness_is_more_than_weak(folder)


def fair_counter(patch: Patch, folder: Path) -> None:
    test_check.test_liveness_of_the_counter(folder, "Fair", "Often", "ok")


def scope(case: str) -> Callable[[Patch, Path], None]:
    found = test_constants.test_names_of_the_configuration_are_those_of_the_root_module
    return lambda _, folder: found(folder, case)


def pairs(patch: Patch, folder: Path) -> None:
    test_actions.test_an_instance_maps_its_variables_to_what_it_will(folder, "one variable")


def crew(patch: Patch, folder: Path) -> None:
    def here(case: str, count: int) -> tuple[Any, ...]:
        return test_workers.explored(folder, *test_workers.CASES[case], count)

    test_workers.share_all(patch.setattr)
    for case in ("ok", "weak", "invariant"):
        test_workers.test_the_number_of_workers_changes_nothing(here, case)


PLANTED: list[tuple[Callable[[Patch], None], Callable[[Patch, Path], None]]] = [
    (precedence_is_ignored, language),
    (any_values_may_be_compared, language),
    (except_appends, language),
    (choose_takes_the_last, language),
    (intervals_lack_their_end, language),
    (sets_of_functions_take_any_domain, membership),
    (states_outside_a_constraint_are_not_checked, constraint),
    (symmetry_does_nothing, symmetry),
    (symmetry_leaves_keys_where_they_are, rooms),
    (symmetry_takes_the_first_permutation_for_all, rooms),
    (strong_fairness_is_forgotten, fairness),
    (every_behaviour_is_fair, fair_counter),
    (nothing_is_put_off, fair_counter),
    (a_name_of_the_configuration_is_one_of_every_module, scope("a constant and a definition of an instanced module")),
    (what_is_replaced_is_replaced_in_instances_too, scope("an imported definition is the root module's own")),
    (an_instance_copies_what_depends_on_no_parameter, scope("so is that of an unnamed instance without parameters")),
    (an_instance_copies_nothing, scope("the same module instanced twice without a name")),
    (next_values_in_enabled_are_those_of_what_is_substituted, pairs),
    (arguments_of_an_enabled_leave_the_instance, pairs),
    (variables_of_an_enabled_share_a_place, pairs),
    (merging_loses_a_successor, crew),
    (merging_counts_twice, crew),
    (blocks_are_merged_in_any_order, crew),
    (numbers_of_a_worker_are_taken_for_ours, crew),
    (a_worker_keeps_its_trouble_to_itself, crew),
]


SLOW = {
    a_worker_keeps_its_trouble_to_itself,
    merging_counts_twice,
    blocks_are_merged_in_any_order,
    numbers_of_a_worker_are_taken_for_ours,
    symmetry_takes_the_first_permutation_for_all,
}
"""Bugs that take several seconds to find, and are like another one that is found faster."""


@pytest.mark.parametrize(
    ("plant", "find"),
    [
        pytest.param(plant, find, id=plant.__name__, marks=pytest.mark.long if plant in SLOW else ())
        for plant, find in PLANTED
    ],
)
def test_planted_bugs_are_found(
    plant: Callable[[Patch], None], find: Callable[[Patch, Path], None], monkeypatch: Patch, tmp_path: Path
) -> None:
    find(monkeypatch, tmp_path)
    plant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception, TypeError, IndexError, TlaError)):
        find(monkeypatch, tmp_path)
