"""Rules as the configuration holds them: whatever is stored is read, and what cannot be read closes its rule alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.queue.filters import RuleSet
from impl.queue.rules import FIRST, read_rule, read_rules
from spec.jobs.model import FilterRule, Job, Opcode

WHOLE = {"uuid": "a", "priority": 5, "watermark": 7, "predicates": [["jobid", ["=", "id", 1]]], "action": "PAUSE"}
DELAY = {"OP_ID": "OP_TEST_DELAY"}


def job(number: int) -> Job:
    return Job(number, (Opcode(DELAY),))


def deep(levels: int) -> Any:
    value: Any = ["=", "id", 1]
    for _ in range(levels):
        value = ["!", value]
    return value


def test_whole_rules() -> None:
    predicates = (("jobid", ["=", "id", 1]),)
    rules = read_rules({"filters": {"a": WHOLE, "b": {**WHOLE, "action": ["RATE_LIMIT", 3], "priority": 1.0}}})
    assert rules == (
        (FilterRule("a", 5, 7, predicates, "PAUSE", 0), ()),
        (FilterRule("b", 1, 7, predicates, "RATE_LIMIT", 3), ()),
    )
    assert read_rules({}) == read_rules({"filters": None}) == read_rules({"filters": {}}) == ()


BAD_PREDICATES: list[Any] = [
    None, 7, {}, "jobid", [7], ["jobid"], [["jobid"]], [["jobid", None, None]], [[["jobid"], None]], [[{}, None]],
    [["nosuch", None]], [["jobid", []]], [["jobid", [[]]]], [["jobid", [{}, "id", 1]]],
    [["jobid", ["&", [["="], "id", 1]]]],
    [["jobid", ["=", "id"]]], [["jobid", ["=", ["id"], 1]]], [["jobid", ["=", "id", None]]], [["jobid", "x"]],
    [["opcode", ["=~", "OP_ID", "a{4294967296}"]]], [["opcode", ["=~", "OP_ID", "[" * 1500]]],
    [["opcode", ["=~", "OP_ID", "(" * 1500 + ")" * 1500]]], [["jobid", deep(330)]], [["jobid", deep(5000)]],
    [["jobid", ["|", *[["=", "id", 1]] * 1001]]],
]  # fmt: skip


@pytest.mark.parametrize("predicates", BAD_PREDICATES, ids=lambda _: "")
def test_a_rule_with_a_bad_predicate_is_closed_and_the_others_go_on(predicates: Any) -> None:
    good = {**WHOLE, "predicates": [["jobid", ["=", "id", 2]]], "priority": 1, "action": "REJECT"}
    stored = read_rules({"filters": {"good": good, "bad": {**WHOLE, "predicates": predicates, "action": "REJECT"}}})
    assert [bool(faults) for _, faults in stored] == [False, True]
    rules = RuleSet([rule for rule, _ in stored])
    decisions = [rules.applying(job(number)) for number in (1, 2, 3)]
    assert [(rule.uuid, rule.action) for rule in decisions if rule] == [
        ("bad", "PAUSE"), ("good", "REJECT"), ("bad", "PAUSE")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"priority": None}, {"priority": "soon"}, {"priority": -1}, {"priority": True}, {"priority": 1.5},
     {"priority": float("nan")}, {"watermark": []}],
)  # fmt: skip
def test_a_rule_whose_place_is_not_known_comes_first(change: dict[str, Any]) -> None:
    rule, faults = read_rule("a", {**WHOLE, **change, "action": "ACCEPT"})
    assert (rule.priority, bool(faults)) == (FIRST, True)
    reject = FilterRule("z", 0, 0, (), "REJECT")
    decides = RuleSet([reject, rule]).applying(job(1))
    assert (decides and decides.action) == "PAUSE", "it was perhaps to be accepted, before the other"
    decides = RuleSet([reject, rule]).applying(job(2))
    assert (decides and decides.action) == "REJECT", "its predicate says no"


@pytest.mark.parametrize("action", [None, "pause", "RATE_LIMIT", {}, ["RATE_LIMIT"], ["RATE_LIMIT", 0], ["PAUSE", 1]])
def test_a_rule_whose_action_is_not_known_pauses_what_it_matches(action: Any) -> None:
    rule, faults = read_rule("a", {**WHOLE, "action": action})
    assert faults
    rules = RuleSet([rule])
    assert [rules.applying(job(1)), rules.applying(job(2))] == [rule, None]
    assert rule.action == "PAUSE"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("&|!=<>~[]?idjobac0", max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(WHOLE)), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_stored_is_read_and_decides(value: Any) -> None:
    for stored in (value, {"a": value}, {"a": {**WHOLE, "predicates": value}}, {"a": {**WHOLE, "action": value}}):
        rules = read_rules({"filters": stored})
        RuleSet([rule for rule, _ in rules]).applying(job(1))


def test_filters_that_are_no_object_hold_every_job() -> None:
    ((rule, faults),) = read_rules({"filters": [1]})
    assert faults
    decides = RuleSet([rule]).applying(job(1))
    assert (decides and decides.action) == "PAUSE"
