"""The texts of hail's answers, letter for letter. Source: the answers of hail 3.0.2."""

import json

import pytest

from htools.iallocator import wording
from spec.allocator.cluster import AllocPolicy, Group
from spec.allocator.decisions import FailMode

GROUP = Group("g1", "u1", AllocPolicy.LAST_RESORT)


@pytest.mark.parametrize(
    ("failures", "text"),
    [
        ({}, "No valid allocation solutions, failure reasons: unknown reasons"),
        ({FailMode.DISK: 0}, "No valid allocation solutions, failure reasons: unknown reasons"),
        (
            {FailMode.DISK: 2, FailMode.MEMORY: 1},  # in the order of the reasons, not of the counts
            "No valid allocation solutions, failure reasons: FailMem: 1, FailDisk: 2",
        ),
    ],
)
def test_where_nothing_fits(failures: dict[FailMode, int], text: str) -> None:
    assert wording.description(failures, 0, None) == text


def test_the_best_candidate() -> None:
    found = wording.description({FailMode.CPU: 2, FailMode.N1: 3}, 7, ("1.5", ["n1", "n2"]))
    assert found == "score: 1.5, successes 7, failures 5 (FailCPU: 2, FailN1: 3) for node(s) n1/n2"
    assert wording.description({}, 1, ("0.0", ["n1"])) == "score: 0.0, successes 1, failures 0 () for node(s) n1"


def test_groups() -> None:
    assert wording.group_message(GROUP, "text") == "Group g1 (last_resort): text"
    assert wording.group_message(GROUP, "text", error=True) == "Group g1: error text"
    assert wording.selected(GROUP, []) == "Selected group: g1"
    assert wording.selected(GROUP, ["one", "two"]) == "Selected group: g1, one, two"
    lacking = "is not connected to a network required by instance i"
    assert wording.disconnected_message(GROUP, "i") == f"group g1 {lacking}"
    assert wording.unconnected_group_error(GROUP, "i") == f"The group g1 {lacking}"


def test_the_metric_of_dedicated_placement() -> None:
    assert wording.metric_text(([1, 0, 2], -5)) == "([1,0,2],-5)"
    assert wording.metric_text(([], 0)) == "([],0)"


def test_an_answer_is_one_line_of_json_in_order() -> None:
    line = wording.response(success=True, info="done", result=["n1"], jobs=[1])
    assert line == '{"success":true,"info":"Request successful: done","result":["n1"],"jobs":[1]}'
    refused = json.loads(wording.response(success=False, info='a "b"', result=[]))
    assert refused == {"success": False, "info": 'Request failed: a "b"', "result": []}
