"""Job filters: what an expression matches, which rule decides, what rate limits a reason trail names."""

from dataclasses import replace
from typing import Any

import pytest

from spec.jobs.filters import applying, buckets, fault, holds, matches
from spec.jobs.model import FilterRule, Job, Opcode


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, True),
        (["=", "id", 5], True),
        (["==", "id", 6], False),
        (["!=", "id", 6], True),
        (["<", "id", 6], True),
        (["<=", "id", 5], True),
        ([">", "id", 5], False),
        ([">=", "id", 5], True),
        (["<", "name", "z"], True),
        (["<", "name", 3], False),
        (["=", "flag", 1], False),
        (["&", ["=", "id", 5], ["=", "name", "web"]], True),
        (["|", ["=", "id", 6], ["=", "name", "db"]], False),
        (["!", ["=", "id", 6]], True),
        (["?", "flag"], True),
        (["?", "missing"], False),
        (["=[]", "tags", "red"], True),
        (["=[]", "name", "w"], False),
        (["=~", "name", "^w"], True),
        (["=", "nested.inner", 7], True),
        (["=", "nested.missing", 7], False),
        (["=", "missing", 0], False),
        (["=", "id", 5.0], True),
        (["=~", "lines", "^b$"], True),
    ],
)
def test_expressions(expression: Any, expected: bool) -> None:
    assert fault(expression) is None
    values = {"id": 5, "name": "web", "flag": True, "tags": ["red"], "nested": {"inner": 7}, "lines": "a\nb"}
    assert holds(expression, values) is expected


def rule(action: str, *predicates: tuple[str, Any], priority: int = 0, uuid: str = "u") -> FilterRule:
    """A filter made when the queue's serial was 10."""
    return FilterRule(uuid, priority, 10, predicates, action, 1)


def job(number: int, *opcodes: str, reasons: tuple[Any, ...] = ()) -> Job:
    """A job of some opcodes, the reasons in the first."""
    first, *rest = opcodes or ("OP_TEST_DELAY",)
    return Job(number, (Opcode({"OP_ID": first, "reason": list(reasons)}), *(Opcode({"OP_ID": op}) for op in rest)))


@pytest.mark.parametrize(
    ("predicate", "matched"),
    [
        (("jobid", [">", "id", "watermark"]), True),
        (("jobid", ["<=", "id", "watermark"]), False),
        (("opcode", ["=", "OP_ID", "OP_NODE_MIGRATE"]), True),
        (("opcode", ["=", "OP_ID", "OP_NODE_ADD"]), False),
        (("reason", ["=", "source", "user"]), True),
        (("reason", ["=", "reason", "upgrade"]), True),
        (("reason", [">", "timestamp", 100]), False),
        (("unheard-of", None), None),
        (("jobid", [[]]), None),
    ],
)
def test_predicates(predicate: tuple[str, Any], matched: bool | None) -> None:
    asked = job(11, "OP_TEST_DELAY", "OP_NODE_MIGRATE", reasons=(["user", "upgrade", 100],))
    assert matches(rule("PAUSE", predicate), asked) is matched


def test_every_predicate_must_match() -> None:
    no, unreadable = ("jobid", ["=", "id", 99]), ("jobid", ["="])
    assert matches(rule("PAUSE", ("jobid", None), no), job(1)) is False
    assert matches(rule("PAUSE", unreadable, no), job(1)) is False, "whatever the unreadable part says"
    assert matches(rule("PAUSE", ("jobid", None), unreadable), job(1)) is None


def test_the_first_rule_that_matches_and_does_not_continue_decides() -> None:
    rules = [
        rule("PAUSE", priority=2, uuid="late"),
        rule("REJECT", ("jobid", ["=", "id", 99]), priority=0, uuid="no match"),
        rule("CONTINUE", priority=0, uuid="goes on"),
        rule("ACCEPT", priority=1, uuid="this one"),
    ]
    decides = applying(rules, job(1))
    assert decides is not None
    assert decides.uuid == "this one"
    assert applying([], job(1)) is None


UNREADABLE = ("unreadable", "a text where a number belongs")


@pytest.mark.parametrize(
    ("actions", "decides"),
    [
        (["PAUSE?"], "PAUSE"),
        (["REJECT?"], "PAUSE"),
        (["RATE_LIMIT?"], "PAUSE"),
        (["ACCEPT?"], None),
        (["CONTINUE?"], None),
        (["ACCEPT", "REJECT?"], "ACCEPT"),
        (["CONTINUE?", "REJECT"], "REJECT"),
        (["REJECT?", "ACCEPT"], "PAUSE"),
        (["ACCEPT?", "ACCEPT"], "ACCEPT"),
        (["ACCEPT?", "PAUSE"], "PAUSE"),
        (["ACCEPT?", "RATE_LIMIT"], "RATE_LIMIT"),
        (["ACCEPT?", "REJECT"], "PAUSE"),
        (["ACCEPT?", "REJECT?"], "PAUSE"),
        (["ACCEPT?", "ACCEPT", "REJECT"], "ACCEPT"),
    ],
)
def test_a_rule_that_cannot_be_read_fails_closed(actions: list[str], decides: str | None) -> None:
    """A question mark is a rule with an unreadable part; the job that it might concern neither runs nor is rejected."""
    rules = [
        rule(name.removesuffix("?"), *([UNREADABLE] if name.endswith("?") else []), priority=place, uuid=str(place))
        for place, name in enumerate(actions)
    ]
    found = applying(rules, job(1))
    assert (found and found.action) == decides
    others = [replace(each, predicates=(*each.predicates, ("jobid", ["=", "id", 2]))) for each in rules]
    assert applying(others, job(1)) is None, "it does not concern a job that its readable predicates rule out"


@pytest.mark.parametrize(
    "expression",
    [
        [], "id", 5, {}, [[]], [{}, "id", 1], [["="], "id", 1], ["="], ["=", "id"], ["=", "id", 1, 2], ["~~", "id", 5],
        ["=", 5, 5], ["=", ["id"], 5], ["=", "id", None], ["=", "id", True], ["=", "id", 1.5], ["=", "id", [1]],
        ["=", "id", {}], ["=", "id", float("inf")], ["?"], ["?", 5], ["!"], ["!", None, None], ["true", "id"],
        ["&", ["=", "id", 5], [[]]], ["|", ["!", ["?", 7]]],
        ["=~", "id", 5], ["=~", "id", "("], ["=~", "id", "a{4294967296}"], ["=~", "id", "[" * 1500],
        ["=~", "id", "(" * 1500 + ")" * 1500], ["=~", "id", "(?=a)"],
    ],
)  # fmt: skip
def test_what_is_no_expression(expression: Any) -> None:
    assert fault(expression) is not None


def test_rate_limits_of_the_reason_trail() -> None:
    reasons = (
        ["user", "rate-limit:2:backup", 1],
        ["user", "rate-limit:2:backup", 2],
        ["user", "rate-limit:1:a:b", 3],
        ["user", "rate-limit:0:none", 4],
        ["user", "rate-limit:x:none", 5],
        ["user", "ordinary", 6],
        ["user"],
    )
    assert list(buckets(job(1, reasons=reasons))) == [("2:backup", 2), ("1:a:b", 1)]
