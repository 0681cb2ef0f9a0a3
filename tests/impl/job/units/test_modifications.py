from typing import Any

import pytest

from impl.job.errors import PrerequisiteError
from impl.job.units.modifications import END, Modification, place_of, place_to_add, read_modifications

ITEMS: list[dict[str, Any]] = [
    {"uuid": "u0", "name": "root"},
    {"uuid": "u1", "name": None},
    {"uuid": "u2", "name": "7"},
]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], []),
        ([["add", 0, {"size": 1}]], [("add", 0, {"size": 1})]),
        ([["modify", "root", {}], ["remove", -1, {}]], [("modify", "root", {}), ("remove", END, {})]),
        ([["modify", "2", {}]], [("modify", 2, {})]),
        *(([["modify", name, {}]], [("modify", name, {})]) for name in ("--2", "²", "1" * 5000)),
        ([["add", {"size": 1}]], [("add", END, {"size": 1})]),
        ([["remove", {}], ["1", {"mode": "ro"}]], [("remove", END, {}), ("modify", 1, {"mode": "ro"})]),
    ],
)
def test_both_forms_are_read(given: list[Any], found: list[Any]) -> None:
    assert read_modifications("disk", given) == [Modification(*one) for one in found]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([["add", 0]], "disk modification ['add', 0] is not [action or index, parameters]"),
        ([["add", 0, []]], "disk modification ['add', 0, []] is not [action, index, parameters]"),
        (["add"], "is not [action, index, parameters]"),
        ([["grow", 0, {}]], "disk modification 'grow' is none of"),
        ([["attach", 0, {}]], "Gantry does not attach a disk yet"),
        ([["modify", None, {}]], "disk None is neither an index nor a name"),
        ([["modify", True, {}]], "disk True is neither an index nor a name"),
        ([["remove", 0, {"size": 1}]], "No settings should be passed when removing or detaching a disk"),
        ([["add", {}], ["remove", {}]], "Only one disk add/attach/remove/detach operation is supported at a time"),
        ([["add", {}], ["modify", 0, {}]], "is not [action or index, parameters]"),
    ],
)
def test_what_cannot_be_understood_is_refused(given: list[Any], said: str) -> None:
    with pytest.raises(PrerequisiteError) as refused:
        read_modifications("disk", given)
    assert said in refused.value.arguments[0]
    assert refused.value.arguments[1] == "wrong_input"


def test_places_of_what_there_is() -> None:
    found = [place_of("disk", place, ITEMS) for place in (0, 2, END, "root", "u1", "7")]
    assert found == [0, 2, 2, 0, 1, 2]
    for place, said in ((3, "Got disk index 3, but there are only 3"), ("x", "Cannot find disk with identifier x")):
        with pytest.raises(PrerequisiteError, match=said):
            place_of("disk", place, ITEMS)
    with pytest.raises(PrerequisiteError, match="Got disk index -1"):
        place_of("disk", END, [])


def test_places_of_what_is_new() -> None:
    assert [place_to_add("NIC", place, ITEMS) for place in (0, 3, END)] == [0, 3, 3]
    for place, said in ((4, "Got NIC index 4"), (-2, "Got NIC index -2"), ("root", "needs an index, or -1")):
        with pytest.raises(PrerequisiteError, match=said):
            place_to_add("NIC", place, ITEMS)
