"""Job filters and ad-hoc rate limits: which eligible jobs are held back, and by what.

Filters are ordered by (priority, watermark, uuid); the first that matches a job and is not CONTINUE decides.
A job is further held back by `rate-limit:N:label` entries of its reason trail: at most N jobs with that very entry run
at the same time.

Source: design-optables; observed behaviour. Deviation: a job that a filter holds back takes no ad-hoc slot (Ganeti
counts it, so that a paused job starves the others of its label).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spec.jobs.model import QUEUE_LIMIT, FilterRule, Job


def _compare(operator: str, left: Any, right: Any) -> bool:
    """Compare as JSON values: numbers with numbers, texts with texts; anything else is only equal or not."""
    if operator in {"=", "=="}:
        return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
    if operator == "!=":
        return not _compare("=", left, right)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        return False
    outcome = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return bool(outcome.get(operator, False))


def holds(expression: Any, values: Mapping[str, Any]) -> bool:
    """Evaluate a filter expression on an object's values; an invalid one is false.

    Args:
        expression: Ganeti's prefix form, such as `["|", ["=", "id", 1], [">", "id", 4]]`; None or `[]` hold of all.
        values: field names and their values; nested fields are reached by dotted names.
    """
    if expression is None or expression == []:
        return True
    if not isinstance(expression, Sequence) or isinstance(expression, str):
        return False
    operator, *rest = expression
    if operator == "&":
        return all(holds(part, values) for part in rest)
    if operator == "|":
        return any(holds(part, values) for part in rest)
    if operator == "!" and len(rest) == 1:
        return not holds(rest[0], values)
    if operator in {"?", "true"} and len(rest) == 1:
        return bool(_field(values, rest[0]))
    if len(rest) != 2:
        return False
    value = _field(values, rest[0])
    if operator == "=[]":
        return isinstance(value, Sequence) and not isinstance(value, str) and rest[1] in value
    if operator == "=~":
        try:
            return isinstance(value, str) and isinstance(rest[1], str) and re.search(rest[1], value) is not None
        except re.error:
            return False
    if value is None:
        return False
    return _compare(str(operator), value, rest[1])


def _field(values: Mapping[str, Any], name: Any) -> Any:
    if not isinstance(name, str):
        return None
    if name in values:
        return values[name]
    value: Any = values
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _with_watermark(expression: Any, watermark: int) -> Any:
    """Replace the word `watermark`, where an id is compared with it, by the number."""
    if isinstance(expression, Sequence) and not isinstance(expression, str):
        if len(expression) == 3 and expression[1] == "id" and expression[2] == "watermark":
            return [expression[0], "id", watermark]
        return [_with_watermark(part, watermark) for part in expression]
    return expression


def matches(rule: FilterRule, job: Job) -> bool:
    """Return whether every predicate of the rule matches the job."""
    for kind, expression in rule.predicates:
        if kind == "jobid":
            if not holds(_with_watermark(expression, rule.watermark), {"id": job.id}):
                return False
        elif kind == "opcode":
            if not any(holds(expression, op.input) for op in job.ops):
                return False
        elif kind == "reason":
            entries = [entry for op in job.ops for entry in op.input.get("reason") or ()]
            if not any(
                holds(expression, dict(zip(("source", "reason", "timestamp"), e, strict=False))) for e in entries
            ):
                return False
        else:
            return False
    return True


def applying(rules: Sequence[FilterRule], job: Job) -> FilterRule | None:
    """Find the rule that decides about a job: the first in order that matches and is not CONTINUE."""
    for rule in sorted(rules, key=lambda rule: rule.order):
        if rule.action != "CONTINUE" and matches(rule, job):
            return rule
    return None


def bucket_limit(digits: str) -> int:
    """Read how many jobs an ad-hoc rate limit allows; 0 if it limits nothing, as one above any queue's length.

    >>> [bucket_limit(text) for text in ("3", "003", "", "-3", "three", "9" * 5000)]
    [3, 3, 0, 0, 0, 0]
    """
    number = digits.lstrip("0")
    if not number.isascii() or not number.isdigit() or len(number) > len(str(QUEUE_LIMIT)):
        return 0
    return int(number)


def buckets(job: Job) -> Iterator[tuple[str, int]]:
    """Yield the ad-hoc rate limits in a job's reason trails: each label once, with the number of jobs it allows."""
    seen: set[str] = set()
    for op in job.ops:
        for entry in op.input.get("reason") or ():
            parts = str(entry[1]).split(":", 2) if len(entry) > 1 else []
            if len(parts) < 2 or parts[0] != "rate-limit":
                continue
            label = ":".join(parts[1:])
            limit = bucket_limit(parts[1])
            if limit > 0 and label not in seen:
                seen.add(label)
                yield label, limit
