"""What people write about jobs: opcodes in words and in JSON, priorities and ages."""

from typing import Any

import pytest

from gantry.jobs.arguments import (
    UsageError,
    jobs_from_json,
    opcode_from_words,
    read_age,
    read_priority,
    read_value,
)
from impl.opcodes import OPCODES

DELAY = {"OP_ID": "OP_TEST_DELAY"}


@pytest.mark.parametrize("name", ["OP_TEST_DELAY", "op_test_delay", "test_delay", "TEST_DELAY"])
def test_an_opcode_by_its_name(name: str) -> None:
    assert opcode_from_words(name, ["duration=1.5", "on_nodes=[]"]) == {**DELAY, "duration": 1.5, "on_nodes": []}


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("true", True), ("web1", "web1"), ("[1", "[1"), ("", ""), ('"3"', "3")]
)
def test_a_value_is_json_or_else_text(text: str, value: Any) -> None:
    assert read_value(OPCODES["OP_TEST_DELAY"], "duration", text) == value


@pytest.mark.parametrize(
    ("name", "words", "argument"),
    [("nosuch", [], "nosuch"), ("test_delay", ["duration"], "duration"), ("test_delay", ["size=1"], "size")],
)
def test_words_that_make_no_sense(name: str, words: list[str], argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        opcode_from_words(name, words)
    assert caught.value.argument == argument


def test_a_value_may_hold_an_equals_sign() -> None:
    assert opcode_from_words("node_add", ["node_name=a=b"])["node_name"] == "a=b"


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ('{"OP_ID": "OP_TEST_DELAY"}', [[DELAY]]),
        ('[{"OP_ID": "OP_TEST_DELAY"}, {"OP_ID": "OP_TEST_DELAY"}]', [[DELAY, DELAY]]),
        ('[[{"OP_ID": "OP_TEST_DELAY"}], [{"OP_ID": "OP_TEST_DELAY"}]]', [[DELAY], [DELAY]]),
    ],
)
def test_jobs_in_json(text: str, jobs: list[Any]) -> None:
    assert jobs_from_json(text, "file") == jobs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is no JSON"),
        ("3", "holds no opcode"),
        ('[[{"OP_ID": "x"}], 3]', "holds no opcode"),
        ("[[3]]", "an opcode is an object"),
        ('{"x": 1}', "an opcode is an object"),
    ],
)
def test_json_that_is_no_job(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        jobs_from_json(text, "file")
    assert caught.value.argument == "file"


@pytest.mark.parametrize(("text", "value"), [("low", 10), ("normal", 0), ("high", -10), ("-20", -20), ("19", 19)])
def test_priorities(text: str, value: int) -> None:
    assert read_priority(text) == value


@pytest.mark.parametrize("text", ["-21", "20", "urgent", "1.5", ""])
def test_priorities_that_do_not_exist(text: str) -> None:
    with pytest.raises(UsageError):
        read_priority(text)


@pytest.mark.parametrize(
    ("text", "value"), [("all", -1), ("0", 0), ("90", 90), ("90s", 90), ("2m", 120), ("12h", 43200), ("1w", 604800)]
)
def test_ages(text: str, value: int) -> None:
    assert read_age(text) == value


@pytest.mark.parametrize("text", ["", "h", "1y", "-1", "1.5h", "1h ", "٣h"])
def test_ages_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError):
        read_age(text)
