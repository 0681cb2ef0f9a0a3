"""Comparison of two small systems: equal ones, and the first step, state or beginning in which they differ."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from checkers.refinement.compare import Function, Module, NoLabelError, System, Truth, compare, plain, shown, split
from checkers.verdict import Illegal, Ok, Unknown


def counting(most: int, *, step: str = "up") -> System[int]:
    """Count from 0 to `most`."""

    def successors(state: int) -> Iterable[tuple[Any, int]]:
        return [([step], state + 1)] if state < most else []

    return System(0, successors, lambda state: {"n": state})


def module(most: int, *, first: int = 0, reset: bool = False) -> Module:
    """Make the same as a module, from states with labels in `said`."""
    states: list[Mapping[str, Any]] = [{"n": first, "said": ()}]
    states += [{"n": n, "said": ("up",)} for n in range(first + 1, most + 1)]
    edges = [(at, at + 1) for at in range(len(states) - 1)]
    if reset:
        states.append({"n": first, "said": ("reset",)})
        edges.append((1, len(states) - 1))
    return split(states, edges, [0])


def test_equal_systems() -> None:
    assert compare(module(3), counting(3)) == Ok("4 states and 3 labelled steps are the same")
    assert compare(module(3), counting(3), max_states=2) == Unknown("there are more than 2 states")


@pytest.mark.parametrize(
    ("one", "other", "path", "only_module", "only_spec"),
    [
        (module(3), counting(2), 2, 1, 0),
        (module(2), counting(3), 2, 0, 1),
        (module(2, reset=True), counting(2), 1, 1, 0),
        (module(2), counting(2, step="more"), 0, 1, 1),
        (module(2, first=1), counting(2), 0, 1, 1),
    ],
    ids=["the module goes on", "the specification goes on", "a step more", "another label", "another beginning"],
)
def test_the_first_difference(one: Module, other: System[int], path: int, only_module: int, only_spec: int) -> None:
    verdict = compare(one, other)
    assert isinstance(verdict, Illegal)
    found = verdict.witness
    assert (len(found.path), len(found.only_module), len(found.only_spec)) == (path, only_module, only_spec)


def test_a_difference_in_prose() -> None:
    verdict = compare(module(2, reset=True), counting(2))
    assert isinstance(verdict, Illegal)
    assert verdict.witness.describe().splitlines() == [
        "they differ after 1 step:", '  1. <<"up">>', "in the state [n |-> 1]",
        'only the TLA+ module has the step <<"reset">>, which makes', "  n = 0",
    ]  # fmt: skip


def test_stuttering_without_a_label_does_not_count() -> None:
    states = [{"n": 0, "said": ()}, {"n": 1, "said": ("up",)}, {"n": 1, "said": ()}]
    assert compare(split(states, [(0, 1), (1, 2), (0, 0)], [0]), counting(1)) == Ok(
        "2 states and 1 labelled steps are the same"
    )


def test_a_module_without_labels_is_refused() -> None:
    with pytest.raises(NoLabelError, match="KeepLabels = TRUE"):
        split([{"n": 0}], [], [0])
    with pytest.raises(NoLabelError):
        split([{"n": 0, "said": ()}, {"n": 1, "said": ()}], [(0, 1)], [0])


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (True, Truth.TRUE, "TRUE"),
        ([1, "a"], (1, "a"), '<<1, "a">>'),
        ({1, 2}, frozenset({1, 2}), "{1, 2}"),
        ({1: "a", 2: "b"}, ("a", "b"), '<<"a", "b">>'),
        ({}, (), "<<>>"),
        ({"b": 1, "a": False}, Function(frozenset({("b", 1), ("a", Truth.FALSE)})), "[a |-> FALSE, b |-> 1]"),
        ({2: "b"}, Function(frozenset({(2, "b")})), '(2 :> "b")'),
        ({0: 1, 1: 2}, Function(frozenset({(0, 1), (1, 2)})), "(0 :> 1 @@ 1 :> 2)"),
    ],
)
def test_values_have_one_form(value: Any, form: Any, text: str) -> None:
    assert plain(value) == form
    assert shown(plain(value)) == text


def test_a_truth_is_not_a_number() -> None:
    assert plain(True) != plain(1)
    assert plain({True: "a"}) != plain({1: "a"})
