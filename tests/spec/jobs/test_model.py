"""The vocabulary of jobs: the order of statuses, the order of filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.jobs.model import FINAL_STATUSES, FilterRule, Status


def test_statuses_are_ordered_and_final_after_running() -> None:
    assert [str(status) for status in sorted(Status)] == [
        "queued", "waiting", "canceling", "running", "canceled", "success", "error",
    ]  # fmt: skip
    assert frozenset(status for status in Status if status > Status.RUNNING) == FINAL_STATUSES
    assert all(status.finalised == (status > Status.RUNNING) for status in Status)


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_the_comparisons_agree(one: Status, another: Status) -> None:
    assert (one < another, one > another) == (one.rank < another.rank, one.rank > another.rank)
    assert (one <= another, one >= another) == (one.rank <= another.rank, one.rank >= another.rank)


def test_a_status_is_not_compared_with_another_word() -> None:
    with pytest.raises(ValueError, match="is not a valid Status"):
        _ = Status.QUEUED < "done"


def test_filters_are_asked_by_priority_watermark_and_uuid() -> None:
    rules = [
        FilterRule("b", 1, 0, (), "PAUSE"),
        FilterRule("c", 0, 9, (), "PAUSE"),
        FilterRule("b", 0, 3, (), "PAUSE"),
        FilterRule("a", 0, 3, (), "PAUSE"),
    ]
    assert [rule.order for rule in sorted(rules, key=lambda rule: rule.order)] == [
        (0, 3, "a"), (0, 3, "b"), (0, 9, "c"), (1, 0, "b"),
    ]  # fmt: skip
