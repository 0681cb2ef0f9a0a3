"""Lists of modifications of disks and interfaces, as opcodes carry them: add, remove or modify, at an index. Pure.

Source: Ganeti 3.0.2's forms: [action, identifier, parameters], or of old [action or index, parameters].
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impl.job.errors import UNKNOWN_ENTITY, WRONG_INPUT, PrerequisiteError
from impl.limits import MAX_INTEGER_DIGITS

ACTIONS = ("add", "remove", "modify")
_NOT_CARRIED_OUT = ("attach", "detach")
END = -1


@dataclass(frozen=True, slots=True)
class Modification:
    """One modification; `place` is an index (END: the last, or behind it), a name or a UUID."""

    action: str
    place: int | str
    parameters: Mapping[str, Any]


def read_modifications(kind: str, given: Sequence[Any]) -> list[Modification]:
    """Read the modifications of disks or NICs (`kind`) that an opcode carries.

    Raises:
        PrerequisiteError: they cannot be understood, or are not carried out here.
    """
    if any(isinstance(item, list) and len(item) == 2 for item in given):
        return _read_old(kind, given)
    found = []
    for item in given:
        if not (isinstance(item, list) and len(item) == 3 and isinstance(item[2], dict)):
            raise PrerequisiteError(f"{kind} modification {item!r} is not [action, index, parameters]", WRONG_INPUT)
        found.append(_read(kind, *item))
    return found


def _read_old(kind: str, given: Sequence[Any]) -> list[Modification]:
    found = []
    for item in given:
        if not (isinstance(item, list) and len(item) == 2 and isinstance(item[1], dict)):
            raise PrerequisiteError(f"{kind} modification {item!r} is not [action or index, parameters]", WRONG_INPUT)
        if item[0] in {*ACTIONS, *_NOT_CARRIED_OUT} - {"modify"}:
            found.append(_read(kind, item[0], END, item[1]))
        else:
            found.append(_read(kind, "modify", item[0], item[1]))
    if sum(item.action != "modify" for item in found) > 1:
        text = f"Only one {kind} add/attach/remove/detach operation is supported at a time"
        raise PrerequisiteError(text, WRONG_INPUT)
    return found


def _read(kind: str, action: Any, place: Any, parameters: Mapping[str, Any]) -> Modification:
    if action in _NOT_CARRIED_OUT:
        raise PrerequisiteError(f"Gantry does not {action} a {kind} yet", WRONG_INPUT)
    if action not in ACTIONS:
        raise PrerequisiteError(f"{kind} modification '{action}' is none of {', '.join(ACTIONS)}", WRONG_INPUT)
    if isinstance(place, bool) or not isinstance(place, int | str):
        raise PrerequisiteError(f"{kind} {place!r} is neither an index nor a name", WRONG_INPUT)
    if action == "remove" and parameters:
        raise PrerequisiteError(f"No settings should be passed when removing or detaching a {kind}", WRONG_INPUT)
    if isinstance(place, str) and len(place) <= MAX_INTEGER_DIGITS and re.fullmatch(r"-?[0-9]+", place):
        place = int(place)
    return Modification(action, place, parameters)


def place_of(kind: str, place: int | str, items: Sequence[Mapping[str, Any]]) -> int:
    """Return the index of an item that there is.

    Raises:
        PrerequisiteError: there is none.
    """
    if isinstance(place, str):
        for index, item in enumerate(items):
            if place in (item.get("uuid"), item.get("name")):
                return index
        raise PrerequisiteError(f"Cannot find {kind} with identifier {place}", UNKNOWN_ENTITY)
    index = len(items) - 1 if place == END else place
    if not 0 <= index < len(items):
        raise PrerequisiteError(f"Got {kind} index {place}, but there are only {len(items)}", WRONG_INPUT)
    return index


def place_to_add(kind: str, place: int | str, items: Sequence[Any]) -> int:
    """Return the index that a new item gets.

    Raises:
        PrerequisiteError: it is no index, or too large.
    """
    if isinstance(place, str):
        raise PrerequisiteError(f"A new {kind} needs an index, or -1 for the end, not '{place}'", WRONG_INPUT)
    index = len(items) if place == END else place
    if not 0 <= index <= len(items):
        raise PrerequisiteError(f"Got {kind} index {place}, but there are only {len(items)}", WRONG_INPUT)
    return index
