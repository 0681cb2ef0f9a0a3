"""Job filters and ad-hoc rate limits: which eligible jobs are held back, and by what.

Filters are ordered by (priority, watermark, uuid); the first that matches a job and is not CONTINUE decides.
A job is further held back by `rate-limit:N:label` entries of its reason trail: at most N jobs with that very entry run
at the same time.

A rule of which a part cannot be read fails closed, and alone. It might concern every job that its readable predicates
do not rule out. Such a job, unless an earlier rule decides about it,

* of a PAUSE, REJECT or RATE_LIMIT rule stays queued, as if paused: it neither runs nor is rejected;
* of an ACCEPT rule is not accepted by it: the later rules decide, but for a REJECT, of which the rule was perhaps to
  save the job: it stays queued;
* of a CONTINUE rule is decided by the others, as always.

Source: design-optables; observed behaviour. Deviation: a job that a filter holds back takes no ad-hoc slot (Ganeti
counts it, so that a paused job starves the others of its label). Ganeti does not load a configuration with a rule that
cannot be read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spec import patterns
from spec.jobs.model import QUEUE_LIMIT, FilterRule, Job

PREDICATE_KINDS = ("jobid", "opcode", "reason")
COMPARISONS = ("=", "==", "!=", "<", "<=", ">", ">=", "=[]")


def fault(expression: Any) -> str | None:
    """Return why a value is no filter expression, or None if it is one.

    Args:
        expression: Ganeti's prefix form, such as `["|", ["=", "id", 1], [">", "id", 4]]`; None holds of all.
    """
    if expression is None:
        return None
    if not isinstance(expression, list | tuple) or not expression or not isinstance(expression[0], str):
        return "a filter is a list that begins with an operator"
    operator, *rest = expression
    if operator in {"&", "|"} or (operator == "!" and len(rest) == 1):
        return next((found for found in map(fault, rest) if found is not None), None)
    if operator == "?" and len(rest) == 1 and isinstance(rest[0], str):
        return None
    if operator not in {*COMPARISONS, "=~"} or len(rest) != 2 or not isinstance(rest[0], str):
        return f"operator {operator} with wrong arguments"
    if operator == "=~":
        return patterns.fault(rest[1]) if isinstance(rest[1], str) else "a pattern is a text"
    if isinstance(rest[1], str) or (isinstance(rest[1], int) and not isinstance(rest[1], bool)):
        return None
    whole = isinstance(rest[1], float) and rest[1].is_integer()
    return None if whole else "a value is a text or a whole number"


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
    """Evaluate a filter expression, which has no fault, on an object's values.

    Args:
        expression: the filter.
        values: field names and their values; nested fields are reached by dotted names.
    """
    if expression is None:
        return True
    operator, *rest = expression
    if operator == "&":
        return all(holds(part, values) for part in rest)
    if operator == "|":
        return any(holds(part, values) for part in rest)
    if operator == "!":
        return not holds(rest[0], values)
    if operator == "?":
        return bool(_field(values, rest[0]))
    value = _field(values, rest[0])
    if operator == "=[]":
        return isinstance(value, Sequence) and not isinstance(value, str) and rest[1] in value
    if operator == "=~":
        return isinstance(value, str) and patterns.found(rest[1], value)
    if value is None:
        return False
    return _compare(str(operator), value, rest[1])


def _field(values: Mapping[str, Any], name: str) -> Any:
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


def _predicate(kind: str, expression: Any, rule: FilterRule, job: Job) -> bool | None:
    if kind not in PREDICATE_KINDS or fault(expression) is not None:
        return None
    if kind == "jobid":
        return holds(_with_watermark(expression, rule.watermark), {"id": job.id})
    if kind == "opcode":
        return any(holds(expression, op.input) for op in job.ops)
    entries = [entry for op in job.ops for entry in op.input.get("reason") or ()]
    names = ("source", "reason", "timestamp")
    return any(holds(expression, dict(zip(names, entry, strict=False))) for entry in entries)


def matches(rule: FilterRule, job: Job) -> bool | None:
    """Return whether every predicate of the rule matches the job; None if one cannot be read and no other says no."""
    found = [_predicate(kind, expression, rule, job) for kind, expression in rule.predicates]
    if False in found:
        return False
    return None if None in found else True


def applying(rules: Sequence[FilterRule], job: Job) -> FilterRule | None:
    """Find the rule that decides about a job: the first in order that matches and is not CONTINUE.

    A rule that cannot be read, and is met before, is answered as a PAUSE if the job has to stay queued.
    """
    spared: FilterRule | None = None
    for rule in sorted(rules, key=lambda rule: rule.order):
        match = matches(rule, job)
        if rule.action == "CONTINUE" or match is False:
            continue
        if match is None and rule.action == "ACCEPT":
            spared = spared or rule
        elif match is None:
            return replace(rule, action="PAUSE")
        elif rule.action == "REJECT" and spared is not None:
            return replace(spared, action="PAUSE")
        else:
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
