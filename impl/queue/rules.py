"""Reads job filters as the configuration holds them; what of a rule cannot be read closes that rule, and it alone.

`spec.jobs.filters` says what such a rule does to the jobs that it might concern. If its place in the order cannot be
read, it comes first.

>>> whole = {"priority": 5, "watermark": 7, "predicates": [["jobid", ["=", "id", 1]]], "action": "PAUSE"}
>>> read_rule("u1", whole).rule
FilterRule(uuid='u1', priority=5, watermark=7, predicates=(('jobid', ['=', 'id', 1]),), action='PAUSE', limit=0)
>>> damaged = read_rule("u1", {**whole, "predicates": [["jobid", [[]]]], "action": ["RATE_LIMIT", 2]})
>>> damaged.faults
('Cannot deserialise filter: expected array [string, args], got [[]]',)
>>> damaged.rule.predicates
(('unreadable', 'Cannot deserialise filter: expected array [string, args], got [[]]'),)
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from impl.expressions import FilterSyntaxError
from impl.limits import MAX_RULE_TESTS
from impl.queue.filters import read_predicate
from spec.jobs.model import FILTER_ACTIONS, FilterRule

UNREADABLE = "unreadable"
"""The kind of a predicate that stands for what cannot be read."""

FIRST = -1
"""The priority of a rule whose place in the order cannot be read."""


class StoredRule(NamedTuple):
    """A rule, and what of it cannot be read."""

    rule: FilterRule
    faults: tuple[str, ...]


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value % 1:
        return None
    return int(value)


def _action(value: Any) -> tuple[str, int] | None:
    if isinstance(value, str):
        return (value, 0) if value in FILTER_ACTIONS and value != "RATE_LIMIT" else None
    if isinstance(value, list) and len(value) == 2 and value[0] == "RATE_LIMIT":
        limit = _whole(value[1])
        return ("RATE_LIMIT", limit) if limit else None
    return None


def read_rule(uuid: str, value: Any) -> StoredRule:
    """Read one rule."""
    if not isinstance(value, dict):
        fault = "a rule is an object"
        return StoredRule(FilterRule(uuid, FIRST, 0, ((UNREADABLE, fault),), "PAUSE"), (fault,))
    faults: list[str] = []
    predicates: list[tuple[str, Any]] = []
    priority, watermark = _whole(value.get("priority")), _whole(value.get("watermark"))
    if priority is None or watermark is None:
        faults.append("its priority and watermark are whole numbers")
        predicates.append((UNREADABLE, faults[0]))
        priority = FIRST
    stored = value.get("predicates")
    left = MAX_RULE_TESTS
    for item in stored if isinstance(stored, list) else [stored]:
        kind, expression = item if isinstance(item, list) and len(item) == 2 else (None, None)
        try:
            _, used = read_predicate(kind, expression, left)
        except FilterSyntaxError as error:
            faults.append(error.reason)
            predicates.append((UNREADABLE, error.reason))
        else:
            left -= used
            predicates.append((str(kind), expression))
    action = _action(value.get("action"))
    if action is None:
        faults.append("its action is none")
        action = ("PAUSE", 0)
    return StoredRule(FilterRule(uuid, priority, watermark or 0, tuple(predicates), *action), tuple(faults))


def read_rules(config: Mapping[str, Any]) -> tuple[StoredRule, ...]:
    """Read all rules of a configuration."""
    stored = config.get("filters")
    if stored is None:
        return ()
    if not isinstance(stored, dict):
        return (read_rule("filters", stored),)
    return tuple(read_rule(uuid, value) for uuid, value in stored.items())
