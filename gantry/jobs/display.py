"""Texts about jobs: times, rows, logs, results. Pure: values in, lines out."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

LIST_FIELDS = ["id", "status", "priority", "summary", "received_ts", "start_ts", "end_ts"]
INFO_FIELDS = [
    "id", "status", "priority", "summary", "received_ts", "start_ts", "end_ts", "ops", "opstatus", "opresult", "oplog",
    "opstart", "opexec", "opend", "oppriority", "archived",
]  # fmt: skip

Job = Mapping[str, Any]


def as_job(fields: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Return a row of QueryJobs as a job by field name."""
    return dict(zip(fields, row, strict=True))


def stamp(pair: Sequence[int] | None) -> str:
    """Format a time of day, with milliseconds."""
    if not pair:
        return "-"
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(pair[0]))}.{pair[1] // 1000:03d}"


def seconds_between(first: Sequence[int] | None, last: Sequence[int] | None, now: float) -> str:
    """Return how many seconds something took, or has taken so far."""
    if not first:
        return "-"
    end = last[0] + last[1] / 1e6 if last else now
    return duration(end - first[0] - first[1] / 1e6)


def duration(seconds: float) -> str:
    """Format a length of time in one or two units."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def job_table(jobs: Sequence[Job], width: int, now: float) -> list[str]:
    """Return one line for each job, within `width` columns."""
    rows = [("ID", "Status", "Prio", "Took", "Summary")]
    for job in jobs:
        took = seconds_between(job["start_ts"] or job["received_ts"], job["end_ts"], now)
        rows.append((str(job["id"]), job["status"], str(job["priority"]), took, ",".join(job["summary"])))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for row in rows:
        head = f"{row[0]:>{widths[0]}} {row[1]:<{widths[1]}} {row[2]:>{widths[2]}} {row[3]:>{widths[3]}} "
        lines.append(shorten(head + row[4], width))
    return lines


def shorten(text: str, width: int) -> str:
    """Shorten the text to some columns."""
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def shown(value: Any) -> str:
    """Format a JSON value in one line, text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def result_text(status: str, result: Any) -> str:
    """Format an opcode's result: of a failed one the error's text and code."""
    if status == "error" and isinstance(result, list) and len(result) == 2 and isinstance(result[1], list):
        error_class, arguments = result
        text = shown(arguments[0]) if arguments else "no reason given"
        code = f" ({shown(arguments[1])})" if len(arguments) > 1 else ""
        return f"{error_class}: {text}{code}"
    return shown(result)


def log_line(entry: Sequence[Any]) -> str:
    """Format a line of a job's log."""
    _, when, _, message = entry
    return f"{stamp(when)[11:]} {shown(message)}"


def job_details(job: Job, now: float) -> list[str]:
    """Return all lines about a job."""
    lines = [
        f"Job {job['id']}: {job['status']}{' (archived)' if job['archived'] else ''}, priority {job['priority']}",
        f"  received   {stamp(job['received_ts'])}",
        f"  started    {stamp(job['start_ts'])}",
        f"  ended      {stamp(job['end_ts'])}",
    ]
    for index, op in enumerate(job["ops"]):
        status = job["opstatus"][index]
        start, executed, end = (job[name][index] for name in ("opstart", "opexec", "opend"))
        lines.append(f"  Opcode {index + 1}: {job['summary'][index]}: {status}")
        lines.append(f"    waited for locks {seconds_between(start, executed or end, now)}")
        if executed:
            lines.append(f"    ran {seconds_between(executed, end, now)}")
        given = {name: value for name, value in op.items() if name != "OP_ID" and value not in (None, [], {})}
        for name, value in sorted(given.items()):
            if name != "reason":
                lines.append(f"    {name} = {shown(value)}")
        for source, why, when in op.get("reason") or ():
            lines.append(f"    reason: {source}{f': {why}' if why else ''} at {stamp((when // 10**9, 0))[:19]}")
        for entry in job["oplog"][index]:
            lines.append(f"    log {log_line(entry)}")
        if job["opresult"][index] is not None:
            lines.append(f"    result {result_text(status, job['opresult'][index])}")
    return lines
