"""Answers queries about nodes, instances, groups, jobs, networks, locks, filters. Pure over a `Source`; no plain twin.

What is fast: a filter that names things is answered from the view's index or by the ids of jobs, without a look at the
others; only the fields asked for are computed, and a node's figures once per configuration.

`run_query` and `query_fields` are the LUXI methods `Query` and `QueryFields`; the older methods live in
`impl.query.classic`. `needs` says what has to be fetched before a query.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from impl.cluster.names import natural_key
from impl.cluster.view import ClusterView, UnknownObjectError
from impl.expressions import Filter, FilterSyntaxError, leaves, parse_filter
from impl.limits import MAX_INTEGER_DIGITS, MAX_JOB_ID
from impl.query import groups, instances, jobs, locks, networks, nodes
from impl.query.filters import check_fields, passes, wanted_names
from impl.query.model import (
    UNKNOWN_ENTRY,
    Entry,
    Field,
    Fields,
    Kind,
    QueryError,
)
from impl.query.source import Source

__all__ = ["FIELDS", "FilterSyntaxError", "QueryError", "Source", "needs", "query_fields", "run_query"]

FIELDS: Mapping[str, Fields] = {
    "node": nodes.FIELDS,
    "instance": instances.FIELDS,
    "group": groups.FIELDS,
    "network": networks.FIELDS,
    "export": networks.EXPORT_FIELDS,
    "job": jobs.FIELDS,
    "lock": locks.FIELDS,
    "filter": networks.FILTER_FIELDS,
}
"""The fields of each kind of things that can be asked about."""

UNSUPPORTED = {"cluster": "QRCluster", "os": "QROs"}
"""Kinds that exist and are not answered here, with Ganeti's name for them."""

_NAME_FIELD = {"job": "id", "export": "node"}
_CONFIGURED = {"node": "node", "instance": "instance", "group": "group", "network": "network", "export": "node"}
_SHOWN = {"group": "NodeGroup"}


def fields_of(what: str) -> Fields:
    """Return the fields of a kind.

    Raises:
        FilterSyntaxError: there is no such kind.
        QueryError: there is, but not here.
    """
    if what in FIELDS:
        return FIELDS[what]
    if what in UNSUPPORTED:
        raise QueryError("GenericError", f"Query 'ItemTypeOpCode {UNSUPPORTED[what]}' not supported")
    raise FilterSyntaxError(f"Can't parse value '{what}' as neitherQueryTypeLuxi nor QueryTypeOp")


def needs(what: str, fields: Iterable[str]) -> frozenset[str]:
    """Return what a source must hold for this query: of `config`, `jobs`, `archived`, `locks`."""
    if what == "job":
        return frozenset({"jobs", "archived"} if jobs.ARCHIVED in fields else {"jobs"})
    return frozenset({"locks"} if what == "lock" else {"config"})


def _unknown(name: str) -> Field:
    return Field(name, name, Kind.UNKNOWN, f"Unknown field '{name}'", lambda *_: UNKNOWN_ENTRY)


def _selected(fields: Fields, names: Sequence[str]) -> list[Field]:
    return [fields.get(name) or _unknown(name) for name in names]


def check_names(names: Any) -> list[str]:
    """Check a list of field names as it came over the wire, and return it.

    Raises:
        FilterSyntaxError: it is none.
    """
    if not isinstance(names, list):
        raise FilterSyntaxError("Unable to read list")
    if not all(isinstance(name, str) for name in names):
        raise FilterSyntaxError("Unable to read String")
    return names


def query_fields(what: str, names: Any = None) -> dict[str, Any]:
    """Answer LUXI's QueryFields: the named fields (unknown ones as such), or all of them in natural order."""
    if what in UNSUPPORTED:
        raise QueryError("GenericError", f"QueryFields 'ItemTypeOpCode {UNSUPPORTED[what]}' not supported")
    fields = fields_of(what)
    wanted = [] if names is None else check_names(names)
    listed = [name for name, field in fields.items() if not field.own]
    selected = _selected(fields, wanted or sorted(listed, key=natural_key))
    return {"fields": [field.definition() for field in selected]}


def find_object(view: ClusterView, kind: str, name: str) -> Mapping[str, Any]:
    """Return the object of that UUID or name.

    Raises:
        QueryError: there is none, in Ganeti's words.
    """
    try:
        return view.find(kind, name)
    except UnknownObjectError:
        shown = _SHOWN.get(kind, kind.capitalize())
        raise QueryError("OpPrereqError", f"{shown} name {name} not found", "unknown_entity") from None


def _configured(source: Source, kind: str, wanted: Sequence[Any] | None) -> list[Mapping[str, Any]]:
    names = [name for name in wanted or () if isinstance(name, str)]
    if names:
        return [find_object(source.view, kind, name) for name in names]
    return sorted(source.view.objects(kind).values(), key=lambda item: natural_key(str(item.get("name") or "")))


def _job_ids(wanted: Sequence[Any]) -> list[int]:
    found: list[int] = []
    for value in wanted:
        if isinstance(value, str) and not (value.isascii() and value.removeprefix("-").isdigit()):
            raise QueryError("GenericError", f"parsing job id: cannot parse string '{value}'")
        job_id = int(value) if not isinstance(value, str) or len(value) <= MAX_INTEGER_DIGITS else MAX_JOB_ID + 1
        if job_id < 0:
            raise QueryError("GenericError", f"Invalid value for job ID ' {job_id}'")
        if job_id > MAX_JOB_ID:
            raise QueryError("GenericError", f"Invalid job id, allowed is 0 to {MAX_JOB_ID}")
        if job_id not in found:
            found.append(job_id)
    return found


def _load_jobs(source: Source, wanted: Sequence[Any] | None, *, archived: bool) -> Iterable[jobs.Loaded]:
    ids = _job_ids(wanted) if wanted else source.job_ids(archived=archived)
    for job_id in ids:
        # a job that is asked for by its id is found in the archive as well
        found = source.job(job_id, archived=archived or bool(wanted))
        if found is not None:
            yield jobs.Loaded(job_id, *found)
        elif wanted:
            yield jobs.Loaded(job_id, None)


def _things(source: Source, what: str, names: Sequence[str], tree: Filter | None) -> Iterable[Any]:
    wanted = wanted_names(tree, _NAME_FIELD.get(what, "name"))
    if what == "job":
        return _load_jobs(source, wanted, archived=jobs.ARCHIVED in names)
    if what == "lock":
        return locks.lock_rows(source.lock_status())
    if what == "filter":
        rules = source.view.config.get("filters") or {}
        if not isinstance(rules, dict):
            return [{"uuid": "filters"}]
        return [
            {**rule, "uuid": uuid} if isinstance(rule, dict) else {"uuid": uuid} for uuid, rule in sorted(rules.items())
        ]
    return _configured(source, _CONFIGURED[what], wanted)


def select(
    source: Source, what: str, names: Sequence[str], tree: Filter | None
) -> tuple[list[Field], list[list[Entry]]]:
    """Return the fields, and a row of entries per thing that passes the filter.

    Raises:
        QueryError: a name or a tested field that there is not, or a test of the wrong type.
    """
    fields = fields_of(what)
    check_fields(tree, fields)
    selected = _selected(fields, names)
    rows = []
    for item in _things(source, what, [*names, *(leaf.field for leaf in leaves(tree))], tree):
        if passes(tree, fields, _getter(source, fields, item)):
            rows.append([field.get(source, item) for field in selected])
    return selected, rows


def _getter(source: Source, fields: Fields, item: Any) -> Callable[[str], Entry]:
    return lambda name: fields[name].get(source, item)


def run_query(what: str, names: Any, qfilter: Any, source: Source) -> dict[str, Any]:
    """Answer LUXI's Query.

    Args:
        what: `node`, `instance`, `group`, `network`, `job`, `lock`, `filter` or `export`.
        names: the fields wanted.
        qfilter: a filter in its JSON form, or None.
        source: what to answer from.

    Returns:
        `{"fields": [definition…], "data": [[[status, value]…]…]}`.

    Raises:
        FilterSyntaxError: the request is malformed.
        QueryError: it cannot be answered.
    """
    fields_of(what)
    selected, rows = select(source, what, check_names(names), parse_filter(qfilter))
    return {"fields": [field.definition() for field in selected], "data": rows}
