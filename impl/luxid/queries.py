"""LUXI's queries: about the configuration, the jobs and the locks. Results and refusals are Ganeti's."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from impl.luxid import arguments
from impl.luxid.context import Context
from impl.luxid.dispatch import AnswerError
from impl.luxid.query_source import QuerySource
from impl.luxid.watcher_pause import read_pause
from impl.query import needs, query_fields, run_query
from impl.query.classic import classic_query, query_cluster_info, query_config_values, query_tags
from impl.wire.client import UnreachableError

INLINE_JOBS = 16
"""So many jobs are read within the event loop; more of them in a thread."""

Args = Sequence[Any]
Result = Any
Handler = Callable[[Context, Args], Awaitable[Result]]


async def _source(context: Context, parts: frozenset[str]) -> QuerySource:
    await context.wait_until_written()
    view = locks = None
    if "config" in parts:
        view = await _view(context)
    if "locks" in parts:
        try:
            locks = await context.wconfd.call("listLocksWaitingStatus")
        except UnreachableError as error:
            raise AnswerError("ConfigurationError", f"I do not have access to the locks: {error}") from None
    live = context.live_jobs() if "jobs" in parts else {}
    ended = context.ended_ids() if "jobs" in parts else []
    return QuerySource(context.files, live, ended, view, locks)


async def _view(context: Context) -> Any:
    try:
        return await context.configuration.refresh()
    except UnreachableError as error:
        text = f"I do not have access to a valid configuration, cannot process queries: {error}"
        raise AnswerError("ConfigurationError", text) from None


async def query(context: Context, args: Args) -> Result:
    """Answer Query [what, fields, filter]."""
    arguments.count(args, 3)
    what = arguments.text(args[0])
    fields = args[1] if isinstance(args[1], list) else []
    parts = needs(what, [field for field in fields if isinstance(field, str)])
    source = await _source(context, parts)
    if "jobs" in parts and len(context.ended_ids()) > INLINE_JOBS:
        return await asyncio.to_thread(run_query, what, args[1], args[2], source)
    return run_query(what, args[1], args[2], source)


async def query_field_definitions(context: Context, args: Args) -> Result:  # noqa: ARG001 - a handler's signature
    """Answer QueryFields [what, fields]."""
    arguments.count(args, 2)
    return query_fields(arguments.text(args[0]), args[1])


async def query_jobs(context: Context, args: Args) -> Result:
    """Answer QueryJobs [ids, fields]."""
    arguments.count(args, 2)
    ids = [arguments.job_id(value) for value in arguments.array(args[0])] if args[0] is not None else []
    if 0 < len(ids) <= INLINE_JOBS:
        await context.wait_until_written()
        live = {job_id: job for job_id in ids if (job := context.live(job_id)) is not None}
        return classic_query("job", ids, args[1], QuerySource(context.files, live))
    source = await _source(context, frozenset({"jobs"}))
    return await asyncio.to_thread(classic_query, "job", ids, args[1], source)


def _classic(what: str) -> Handler:
    async def handler(context: Context, args: Args) -> Result:
        arguments.count(args, 3)
        names, fields, sync = arguments.texts(args[0]), arguments.texts(args[1]), arguments.flag(args[2])
        source = await _source(context, frozenset({"config"}))
        return classic_query(what, names, fields, source, sync=sync)

    return handler


async def query_filters(context: Context, args: Args) -> Result:
    """Answer QueryFilters [uuids, fields]."""
    arguments.count(args, 2)
    uuids, fields = arguments.texts(args[0]) if args[0] is not None else [], arguments.texts(args[1])
    source = await _source(context, frozenset({"config"}))
    return classic_query("filter", uuids, fields, source)


async def query_exports(context: Context, args: Args) -> Result:
    """Answer QueryExports [nodes, lock]."""
    arguments.count(args, 2)
    nodes, sync = arguments.texts(args[0]), arguments.flag(args[1])
    source = await _source(context, frozenset({"config"}))
    return classic_query("export", nodes, ["node", "export"], source, sync=sync)


async def query_cluster(context: Context, args: Args) -> Result:
    """Answer QueryClusterInfo []."""
    arguments.count(args, 0)
    return query_cluster_info(await _view(context))


async def config_values(context: Context, args: Args) -> Result:
    """Answer QueryConfigValues [names]."""
    arguments.count(args, 1)
    names = arguments.texts(args[0])
    pause = read_pause(context.root, time.time())
    return query_config_values(names, await _view(context), drained=context.drained, watcher_pause=pause)


async def tags(context: Context, args: Args) -> Result:
    """Answer QueryTags [kind, name]."""
    arguments.count(args, 2)
    kind, name = arguments.text(args[0]), "" if args[1] is None else arguments.text(args[1])
    return query_tags(kind, name, await _view(context))


async def query_metrics(context: Context, args: Args) -> Result:
    """Answer QueryMetrics []: what was counted, in Prometheus' text format. Ours alone."""
    arguments.count(args, 0)
    return context.metrics.render(context.gauges())


QUERIES: dict[str, Handler] = {
    "Query": query,
    "QueryFields": query_field_definitions,
    "QueryJobs": query_jobs,
    "QueryNodes": _classic("node"),
    "QueryInstances": _classic("instance"),
    "QueryGroups": _classic("group"),
    "QueryNetworks": _classic("network"),
    "QueryFilters": query_filters,
    "QueryExports": query_exports,
    "QueryClusterInfo": query_cluster,
    "QueryConfigValues": config_values,
    "QueryTags": tags,
    "QueryMetrics": query_metrics,
}
