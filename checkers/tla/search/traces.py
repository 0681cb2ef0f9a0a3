"""Prints traces: numbered states, the action that led to each, and the variables it changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from checkers.tla.model.model import Model, State
from checkers.tla.search.state_graph import Violation
from checkers.tla.values.show import show
from checkers.tla.values.values import Domain, Value, is_sequence, keys_of, values_of

_WIDTH = 78


def action_between(model: Model, before: State, after: State) -> tuple[str, str]:
    """Return the name and the place of an action that leads from one state to the next."""
    for action in model.actions:
        found: list[State] = []
        action.run(before, found.append)
        if after in found:
            return action.name, str(action.position)
    return "Stuttering" if before == after else "Next", ""


def rows(model: Model, violation: Violation) -> Iterator[tuple[str, str, State]]:
    """Yield for each state of a trace the action's name, its place, and the state."""
    previous: State | None = None
    for state in violation.trace:
        if previous is None:
            yield "Initial predicate", "", state
        else:
            yield (*action_between(model, previous, state), state)
        previous = state


def aliased(model: Model, trace: Sequence[State], number: int) -> dict[str, Value]:
    """Return the part of a state that a trace shows: its variables, or the fields of ALIAS."""
    state = trace[number]
    if model.alias is None:
        return dict(zip(model.variables, state, strict=True))
    after = trace[min(number + 1, len(trace) - 1)]
    value = model.alias(state, after)
    if value.__class__ is tuple and not is_sequence(value):
        return {str(key): item for key, item in zip(keys_of(value), values_of(value), strict=True)}
    return {"ALIAS": value}


def lines_of(name: str, value: Value, mark: str) -> list[str]:
    r"""Return the lines `/\\ name = value` of one variable; a long function is broken at its top level."""
    text = f"/\\ {name} = {show(value)}"
    if len(text) + len(mark) <= _WIDTH or value.__class__ not in {tuple, frozenset} or not value:
        return [mark + text]
    head = f"/\\ {name} = "
    parts: Any = value
    if value.__class__ is frozenset or parts[0].__class__ is not Domain:
        left, right = ("{", "}") if value.__class__ is frozenset else ("<<", ">>")
        items = _split(show(value)[len(left) : -len(right)], ", ")
    else:
        left, right = ("[", "]") if parts[0].record else ("(", ")")
        items = _split(show(value)[1:-1], ", " if parts[0].record else " @@ ")
        if not parts[0].record:
            items = [item if number == 0 else f"@@ {item}" for number, item in enumerate(items)]
            return [mark + head + left, *(f"{mark}     {item}" for item in items), f"{mark}   {right}"]
    body = [f"{mark}     {item}{',' if number < len(items) - 1 else ''}" for number, item in enumerate(items)]
    return [mark + head + left, *body, f"{mark}   {right}"]


def _split(text: str, separator: str) -> list[str]:
    """Split a text where no bracket or string is open."""
    parts, depth, start, place, quoted = [], 0, 0, 0, False
    while place < len(text):
        char = text[place]
        if char == '"' and text[place - 1 : place] != "\\":
            quoted = not quoted
        elif not quoted and (char in "{[(" or text[place : place + 2] == "<<"):
            depth += 1
            place += text[place : place + 2] == "<<"
        elif not quoted and (char in "}])" or text[place : place + 2] == ">>"):
            depth -= 1
            place += text[place : place + 2] == ">>"
        elif not quoted and depth == 0 and text.startswith(separator, place):
            parts.append(text[start:place])
            place += len(separator)
            start = place
            continue
        place += 1
    return [*parts, text[start:]]


def trace_lines(model: Model, violation: Violation, *, bold: bool = False) -> Iterator[str]:
    """Yield the lines of a trace; a changed variable has a `*`, and is bold on a terminal."""
    previous: dict[str, Value] = {}
    for number, (action, place, _) in enumerate(rows(model, violation)):
        where = f" {place}" if place else ""
        yield f"State {number + 1}: <{action}{where}>"
        shown = aliased(model, violation.trace, number)
        for name, value in shown.items():
            changed = number > 0 and (name not in previous or previous[name] != value)
            for line in lines_of(name, value, "* " if changed else "  "):
                yield f"\x1b[1m{line}\x1b[0m" if changed and bold else line
        previous = shown
        yield ""
    if violation.verdict == "property":
        last, loop = len(violation.trace), violation.loop_start
        if loop is not None and loop == last - 1:
            yield f"State {last + 1}: Stuttering"
        elif loop is not None:
            yield f"Back to state {loop + 1}: <{action_between(model, violation.trace[-1], violation.trace[loop])[0]}>"


def trace_json(model: Model, violation: Violation) -> list[dict[str, Any]]:
    """Return the trace for JSON: actions, and states as mappings from variable names to TLA+ texts."""
    return [
        {
            "action": action,
            "state": {name: show(value) for name, value in aliased(model, violation.trace, number).items()},
        }
        for number, (action, _, _) in enumerate(rows(model, violation))
    ]
