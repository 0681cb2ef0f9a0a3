"""Job filters, compiled once a rule: which rule decides about a job, and which rate limits it takes part in.

Twin of `spec.jobs.filters`, which says where it deviates from Ganeti.

A rule, made after job 1, pauses later delays; a rule that comes before it accepts those with an urgent reason:

>>> from spec.jobs.model import Opcode
>>> trail = {"reason": [["user", "rate-limit:2:urgent", 0]]}
>>> delays = [{"OP_ID": "OP_TEST_DELAY"}, {"OP_ID": "OP_TEST_DELAY"}, {"OP_ID": "OP_TEST_DELAY", **trail}]
>>> jobs = [Job(number, (Opcode(op),)) for number, op in enumerate(delays, 1)]
>>> delay = ("opcode", ["=", "OP_ID", "OP_TEST_DELAY"])
>>> accept = FilterRule("u1", 0, 1, (delay, ("reason", ["=~", "reason", "urgent$"])), "ACCEPT")
>>> pause = FilterRule("u2", 1, 1, (delay, ("jobid", [">", "id", "watermark"])), "PAUSE")
>>> rules = RuleSet([pause, accept])
>>> [rule and rule.action for rule in map(rules.applying, jobs)]
[None, 'PAUSE', 'ACCEPT']
>>> buckets(jobs[2])  # at most two jobs of this label run at once
{'2:urgent': 2}
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spec.jobs.model import QUEUE_LIMIT, FilterRule, Job

Test = Callable[[Mapping[str, Any]], bool]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LIMIT_DIGITS = len(str(QUEUE_LIMIT))
"""Digits of an ad-hoc rate limit: a longer one allows more jobs than a queue holds, and limits nothing."""

_REASON_FIELDS = ("source", "reason", "timestamp")


def _never(_: Mapping[str, Any]) -> bool:
    return False


def _always(_: Mapping[str, Any]) -> bool:
    return True


def _getter(name: str) -> Callable[[Mapping[str, Any]], Any]:
    parts = name.split(".")

    def get(values: Mapping[str, Any]) -> Any:
        if name in values:
            return values[name]
        value: Any = values
        for part in parts:
            if not isinstance(value, Mapping) or part not in value:
                return None
            value = value[part]
        return value

    return get


def _equal(left: Any, right: Any) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _comparison(symbol: str, name: str, wanted: Any) -> Test:
    get = _getter(name)
    if symbol in {"=", "=="}:
        return lambda values: (value := get(values)) is not None and _equal(value, wanted)
    if symbol == "!=":
        return lambda values: (value := get(values)) is not None and not _equal(value, wanted)
    if symbol == "=[]":
        return lambda values: isinstance(value := get(values), list | tuple) and wanted in value
    if symbol == "=~":
        try:
            search = re.compile(wanted).search if isinstance(wanted, str) else None
        except re.error:
            search = None
        if search is None:
            return _never
        return lambda values: isinstance(value := get(values), str) and search(value) is not None
    order = _ORDER.get(symbol)
    if order is None or isinstance(wanted, bool) or not isinstance(wanted, int | float | str):
        return _never
    kinds: Any = str if isinstance(wanted, str) else (int, float)

    def compare(values: Mapping[str, Any]) -> bool:
        value = get(values)
        return isinstance(value, kinds) and not isinstance(value, bool) and order(value, wanted)

    return compare


def compile_expression(expression: Any) -> Test:
    """Compile a filter expression into a test; a malformed one never holds."""
    if expression is None or expression == []:
        return _always
    if not isinstance(expression, list | tuple):
        return _never
    symbol, *rest = expression
    if symbol in {"&", "|"}:
        parts = [compile_expression(part) for part in rest]
        if symbol == "&":
            return lambda values: all(part(values) for part in parts)
        return lambda values: any(part(values) for part in parts)
    if symbol == "!" and len(rest) == 1:
        part = compile_expression(rest[0])
        return lambda values: not part(values)
    if symbol in {"?", "true"} and len(rest) == 1:
        if not isinstance(rest[0], str):
            return _never
        get = _getter(rest[0])
        return lambda values: bool(get(values))
    if len(rest) != 2 or not isinstance(rest[0], str) or not isinstance(symbol, str):
        return _never
    return _comparison(symbol, rest[0], rest[1])


def _with_watermark(expression: Any, watermark: int) -> Any:
    if not isinstance(expression, list | tuple):
        return expression
    if len(expression) == 3 and expression[1] == "id" and expression[2] == "watermark":
        return [expression[0], "id", watermark]
    return [_with_watermark(part, watermark) for part in expression]


def _compile_predicate(kind: str, expression: Any, watermark: int) -> Callable[[Job], bool]:
    if kind == "jobid":
        by_id = compile_expression(_with_watermark(expression, watermark))
        return lambda job: by_id({"id": job.id})
    test = compile_expression(expression)
    if kind == "opcode":
        return lambda job: any(test(op.input) for op in job.ops)
    if kind == "reason":
        return lambda job: any(
            test(dict(zip(_REASON_FIELDS, entry, strict=False)))
            for op in job.ops
            for entry in op.input.get("reason") or ()
        )
    return lambda _: False


class RuleSet:
    """Compiled filter rules in their order."""

    def __init__(self, rules: Iterable[FilterRule]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.order))
        self._deciding = [
            (rule, [_compile_predicate(kind, expression, rule.watermark) for kind, expression in rule.predicates])
            for rule in self.rules
            if rule.action != "CONTINUE"
        ]

    def applying(self, job: Job) -> FilterRule | None:
        """Return the rule that decides about the job; None if none does."""
        for rule, predicates in self._deciding:
            if all(predicate(job) for predicate in predicates):
                return rule
        return None


def buckets(job: Job) -> dict[str, int]:
    """Return the ad-hoc rate limits that the job takes part in: label and how many jobs it lets run."""
    found: dict[str, int] = {}
    for op in job.ops:
        for entry in op.input.get("reason") or ():
            text = entry[1] if len(entry) > 1 else ""
            if not isinstance(text, str) or not text.startswith("rate-limit:"):
                continue
            label = text[len("rate-limit:") :]
            number = label.split(":", 1)[0].lstrip("0")
            if number.isascii() and number.isdigit() and len(number) <= _LIMIT_DIGITS:
                found[label] = int(number)
    return found
