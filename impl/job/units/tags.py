"""Opcodes on tags. Source: Ganeti 3.0.2's rules for tags, locks, preconditions and results."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, put, set_cluster
from impl.cluster.view import KINDS, ClusterView
from impl.job.errors import UNKNOWN_ENTITY, WRONG_INPUT, ExecutionError, OperationError, PrerequisiteError
from impl.job.locking import Op, take
from impl.job.unit import Context, Plan, Unit
from impl.job.units.common import known
from impl.patterns import Pattern, PatternError
from spec.locks.names import Level, Mode

Object = Mapping[str, Any]

MAX_LENGTH = 128
MAX_TAGS = 4096
_VALID = re.compile(r"[\w.+*/:@-]+", re.ASCII)
_KIND = {"instance": "instance", "node": "node", "nodegroup": "group", "network": "network"}
_PATHS = {"instance": "/instances", "node": "/nodes", "group": "/nodegroup", "network": "/network"}


class TagError(OperationError):
    """A tag that may not be set."""

    error_class = "TagError"


def check_tag(tag: str) -> None:
    """Check that a tag may be set.

    Raises:
        TagError: it is empty, too long, or has signs that may not be.
    """
    if not tag:
        raise TagError("Tags cannot be empty")
    if len(tag) > MAX_LENGTH:
        raise TagError(f"Tag too long (>{MAX_LENGTH} characters)")
    if not _VALID.fullmatch(tag):
        raise TagError("Tag contains invalid characters")


def _resolve(op: dict[str, Any], view: ClusterView) -> dict[str, Any]:
    if op["kind"] == "cluster":
        return op
    return {**op, "name": known(view, _KIND[op["kind"]], op.get("name") or "")["name"]}


def _target(op: Op, view: ClusterView) -> Object:
    return view.cluster if op["kind"] == "cluster" else known(view, _KIND[op["kind"]], op["name"])


def _with_tags(op: Op, view: ClusterView, function: Callable[[AbstractSet[str]], AbstractSet[str]]) -> Change:
    target = _target(op, view)
    old = set(target.get("tags") or ())
    new = function(old)
    if new == old:
        return NO_CHANGE
    tags = sorted(new)
    if op["kind"] == "cluster":
        return set_cluster(tags=tags)
    return put(KINDS[_KIND[op["kind"]]], {**target, "tags": tags})


def _run_get(context: Context, _: Plan) -> list[str]:
    return list(_target(context.op, context.view).get("tags") or ())


def _prepare_set(op: Op, view: ClusterView) -> None:
    for tag in op["tags"]:
        check_tag(tag)
    if len({*(_target(op, view).get("tags") or ()), *op["tags"]}) > MAX_TAGS:
        raise ExecutionError("Error while setting tag: Too many tags")


def _run_set(context: Context, _: Plan) -> None:
    context.change(lambda view: _with_tags(context.op, view, lambda old: old | set(context.op["tags"])))


def _prepare_delete(op: Op, view: ClusterView) -> None:
    missing = sorted(set(op["tags"]) - set(_target(op, view).get("tags") or ()))
    if missing:
        shown = ", ".join(f"'{tag}'" for tag in missing)
        raise PrerequisiteError(f"Tag(s) {shown} not found", UNKNOWN_ENTITY)


def _run_delete(context: Context, _: Plan) -> None:
    context.change(lambda view: _with_tags(context.op, view, lambda old: old - set(context.op["tags"])))


def _resolve_search(op: dict[str, Any], _: ClusterView) -> dict[str, Any]:
    try:
        Pattern(op["pattern"])
    except PatternError as error:
        raise PrerequisiteError(f"Invalid search pattern '{op['pattern']}': {error}", WRONG_INPUT) from None
    return op


def _run_search(context: Context, _: Plan) -> list[list[str]]:
    pattern = Pattern(context.op["pattern"])
    view = context.view
    places = [("/cluster", view.cluster)]
    for kind, path in _PATHS.items():
        places += [(f"{path}/{item['name']}", item) for item in view.objects(kind).values() if item.get("name")]
    return [[path, tag] for path, item in places for tag in item.get("tags") or () if pattern.search(tag)]


def _locked(kind: str, key: str) -> Callable[[Op, ClusterView], list[str]]:
    def select(op: Op, view: ClusterView) -> list[str]:
        return [str(_target(op, view)[key])] if op["kind"] == kind else []

    return select


_LOCKED = (
    (Level.INSTANCE, _locked("instance", "name")),
    (Level.NODEGROUP, _locked("nodegroup", "uuid")),
    (Level.NODE, _locked("node", "uuid")),
    (Level.NETWORK, _locked("network", "uuid")),
)
_EXCLUSIVE = tuple(take(level, Mode.EXCLUSIVE, select) for level, select in _LOCKED)
_SHARED = tuple(take(level, Mode.SHARED, select) for level, select in _LOCKED)

UNITS = {
    "OP_TAGS_GET": Unit(run=_run_get, takes=_SHARED, resolve=_resolve),
    "OP_TAGS_SEARCH": Unit(run=_run_search, resolve=_resolve_search),
    "OP_TAGS_SET": Unit(run=_run_set, takes=_EXCLUSIVE, resolve=_resolve, prepare=_prepare_set),
    "OP_TAGS_DEL": Unit(run=_run_delete, takes=_EXCLUSIVE, resolve=_resolve, prepare=_prepare_delete),
}
