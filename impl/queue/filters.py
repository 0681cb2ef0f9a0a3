"""Job filters, compiled once a rule: which rule decides about a job, and which rate limits it takes part in.

Twin of `spec.jobs.filters`, which says where it deviates from Ganeti, and how a rule that cannot be read fails closed.
A regular expression that would search a text for too long is one that cannot be read, for that job.

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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from impl.expressions import Filter, FilterSyntaxError, Leaf, Not, leaves, parse_filter
from impl.limits import MAX_RULE_TESTS
from impl.patterns import Pattern, PatternWorkError
from spec.jobs.model import QUEUE_LIMIT, FilterRule, Job

Test = Callable[[Mapping[str, Any]], bool]
Predicate = Callable[[Job], bool]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LIMIT_DIGITS = len(str(QUEUE_LIMIT))
"""Digits of an ad-hoc rate limit: a longer one allows more jobs than a queue holds, and limits nothing."""

PREDICATE_KINDS = ("jobid", "opcode", "reason")
_REASON_FIELDS = ("source", "reason", "timestamp")


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
    if symbol == "?":
        return lambda values: bool(get(values))
    if symbol == "=":
        return lambda values: (value := get(values)) is not None and _equal(value, wanted)
    if symbol == "!=":
        return lambda values: (value := get(values)) is not None and not _equal(value, wanted)
    if symbol == "=[]":
        return lambda values: isinstance(value := get(values), list | tuple) and wanted in value
    if isinstance(wanted, Pattern):
        search = wanted.search
        return lambda values: isinstance(value := get(values), str) and search(value)
    order = _ORDER[symbol]
    kinds: Any = str if isinstance(wanted, str) else (int, float)

    def compare(values: Mapping[str, Any]) -> bool:
        value = get(values)
        return isinstance(value, kinds) and not isinstance(value, bool) and order(value, wanted)

    return compare


def _compiled(tree: Filter | None, watermark: int | None) -> Test:
    if tree is None:
        return lambda _: True
    if isinstance(tree, Leaf):
        at_watermark = watermark is not None and tree.field == "id" and tree.value == "watermark"
        return _comparison(tree.sign, tree.field, watermark if at_watermark else tree.value)
    if isinstance(tree, Not):
        part = _compiled(tree.part, watermark)
        return lambda values: not part(values)
    parts = [_compiled(part, watermark) for part in tree.parts]
    if tree.sign == "&":
        return lambda values: all(part(values) for part in parts)
    return lambda values: any(part(values) for part in parts)


def _predicate(kind: str, tree: Filter | None, watermark: int) -> Predicate:
    if kind == "jobid":
        by_id = _compiled(tree, watermark)
        return lambda job: by_id({"id": job.id})
    test = _compiled(tree, None)
    if kind == "opcode":
        return lambda job: any(test(op.input) for op in job.ops)
    return lambda job: any(
        test(dict(zip(_REASON_FIELDS, entry, strict=False)))
        for op in job.ops
        for entry in op.input.get("reason") or ()
        if isinstance(entry, list | tuple)
    )


def compile_filter(expression: Any) -> Test:
    """Return the test of an object's values that a filter stands for.

    Raises:
        FilterSyntaxError: it is none.
    """
    return _compiled(parse_filter(expression), None)


def read_predicate(kind: Any, expression: Any, left: int) -> tuple[Filter | None, int]:
    """Read a predicate; return its tests as a tree, and how many they are.

    Args:
        kind: one of `PREDICATE_KINDS`.
        expression: the filter.
        left: how many tests there may be.

    Raises:
        FilterSyntaxError: it is none.
    """
    if kind not in PREDICATE_KINDS:
        raise FilterSyntaxError(f"a filter predicate is a pair of one of {', '.join(PREDICATE_KINDS)} and a filter")
    tree = parse_filter(expression, left)
    return tree, sum(1 for _ in leaves(tree))


class Rule:
    """One rule, compiled."""

    def __init__(self, rule: FilterRule) -> None:
        self.rule = rule
        self._whole = True
        self._predicates: list[Predicate] = []
        left = MAX_RULE_TESTS
        for kind, expression in rule.predicates:
            try:
                tree, used = read_predicate(kind, expression, left)
            except FilterSyntaxError:
                self._whole = False
            else:
                left -= used
                self._predicates.append(_predicate(kind, tree, rule.watermark))

    def matches(self, job: Job) -> bool | None:
        """Return whether it matches a job; None if that cannot be told."""
        known = self._whole
        for predicate in self._predicates:
            try:
                if not predicate(job):
                    return False
            except PatternWorkError:
                known = False
        return True if known else None


class RuleSet:
    """Compiled filter rules in their order."""

    def __init__(self, rules: Iterable[FilterRule]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.order))
        compiled = [Rule(rule) for rule in self.rules]
        self._deciding = [rule for rule in compiled if rule.rule.action != "CONTINUE"]

    def applying(self, job: Job) -> FilterRule | None:
        """Return the rule that decides about the job, None if none does.

        A rule that cannot be read, and is met before, is answered as a PAUSE if the job has to stay queued.
        """
        spared: FilterRule | None = None
        for compiled in self._deciding:
            match, rule = compiled.matches(job), compiled.rule
            if match is False:
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
