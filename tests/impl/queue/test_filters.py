"""Filter rules and ad-hoc rate limits beside the specification's plain ones; single expressions: `test_queue`."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from impl.queue.filters import RuleSet, buckets
from spec.jobs import filters as plain
from spec.jobs.model import FILTER_ACTIONS, FilterRule, Job, Opcode
from tests.impl.queue.histories import JOBS, op

PREDICATES = st.one_of(
    st.tuples(st.just("jobid"), st.sampled_from([["<=", "id", "watermark"], ["=", "id", 3], ["!", [">", "id", 4]]])),
    st.tuples(st.just("jobid"), st.sampled_from([["&", [">", "id", "watermark"], ["<", "id", 8]], None, [], ["x"]])),
    st.tuples(st.just("jobid"), st.sampled_from([["&", ["=", "id", 3], ["=", "id", True]], [[]], ["=~", "id", "("]])),
    st.tuples(st.just("opcode"), st.sampled_from([["=", "OP_ID", "OP_TEST_DELAY"], ["<", "priority", 0], "x"])),
    st.tuples(st.just("reason"), st.sampled_from([["=~", "reason", "^rate"], ["=", "source", "test"]])),
    st.tuples(st.just("nonsense"), st.none()),
)
RULES = st.builds(
    lambda uuid, priority, watermark, predicates, action: FilterRule(
        uuid, priority, watermark, tuple(predicates), action, 2
    ),
    st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 9), st.lists(PREDICATES, max_size=2),
    st.sampled_from(FILTER_ACTIONS),
)  # fmt: skip


@given(st.lists(RULES, max_size=4), JOBS)
def test_the_rule_that_decides_is_the_specification_s(rules: list[FilterRule], job: Job) -> None:
    assert RuleSet(rules).applying(job) == plain.applying(rules, job)


@given(JOBS)
def test_rate_limits_in_reason_trails_are_the_specification_s(job: Job) -> None:
    assert buckets(job) == dict(plain.buckets(job))


def test_labels_and_their_numbers() -> None:
    def found(*reasons: Any) -> dict[str, int]:
        return buckets(Job(1, tuple(Opcode(op(reason=reason)) for reason in reasons)))

    assert found("rate-limit:2:backup", "rate-limit:2:backup", "rate-limit:7") == {"2:backup": 2, "7": 7}
    assert found("rate-limit:0:a", "rate-limit:-1:a", "rate-limit:x:a", "rate-limit:²:a", "rate") == {}
    digits = "9" * 5000
    assert found(f"rate-limit:{digits}:a", "rate-limit:0003:b", f"rate-limit:{'0' * 5000}4") == {
        "0003:b": 3,
        "0" * 5000 + "4": 4,
    }
    job = Job(1, (Opcode(op(reason=f"rate-limit:{digits}:a")), Opcode(op(reason="rate-limit:0003:b"))))
    assert dict(plain.buckets(job)) == {"0003:b": 3}
