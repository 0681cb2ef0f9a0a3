"""The actions of `gantry job` over LUXI: submit, show, follow, cancel and re-prioritise jobs, manage the queue."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gantry.jobs.client import Caller, PatientClient
from gantry.jobs.display import (
    INFO_FIELDS,
    LIST_FIELDS,
    as_job,
    job_details,
    job_table,
    log_line,
    result_text,
)
from impl.paths import Root
from spec.errors import GantryError

FAILED, CANCELED, MISSING = 1, 3, 4
FINAL = frozenset({"success", "error", "canceled"})
POLL_SECONDS = 10.0


class NoSuchJobError(GantryError):
    """There are no jobs of these ids."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = tuple(ids)
        super().__init__(f"no such job: {', '.join(map(str, ids))}; 'gantry job list' shows them")


def perform(options: argparse.Namespace) -> int:
    """Run the subcommand with values read by `gantry.jobs.arguments.read_arguments`; return the exit code."""
    actions: dict[str, Callable[[Caller, argparse.Namespace], int]] = {
        "submit": _submit,
        "list": _list,
        "info": _info,
        "watch": _watch,
        "cancel": _cancel,
        "priority": _priority,
        "archive": _archive,
        "drain": _drain,
    }
    try:
        with PatientClient(Root.of(options.root).luxi_socket) as client:
            return actions[options.action](client, options)
    except NoSuchJobError as error:
        print(f"gantry job {options.action}: {error}", file=sys.stderr)
        return MISSING
    except KeyboardInterrupt:
        print("\nno longer following; the jobs go on", file=sys.stderr)
        return 130


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


# --- submit


def _submit(client: Caller, options: argparse.Namespace) -> int:
    trail = [["gantry:client:job-submit", options.reason, time.time_ns()]]
    for job in options.jobs:
        for op in job:
            op.setdefault("priority", options.priority)
            op["reason"] = [*(op.get("reason") or ()), *trail]
        if options.after and job:
            job[0].setdefault("depends", [[job_id, ["success"]] for job_id in options.after])
    answers = client.call("SubmitManyJobs", options.jobs)
    ids = [answer for accepted, answer in answers if accepted]
    if options.json and not options.watch:
        _print_json([{"accepted": accepted, "id" if accepted else "error": answer} for accepted, answer in answers])
    else:
        for accepted, answer in answers:
            if accepted:
                print(f"job {answer} submitted", flush=True)
            else:
                print(f"refused: {answer}", file=sys.stderr)
    code = 0 if len(ids) == len(answers) else FAILED
    if options.watch and ids:
        return max(code, _follow(client, ids, as_json=options.json))
    return code


# --- looking


def _query(client: Caller, ids: Sequence[int], fields: Sequence[str]) -> list[dict[str, Any]]:
    """Return jobs by id, or all that are not archived.

    Raises:
        NoSuchJobError: some of the ids have no job.
    """
    rows = client.call("QueryJobs", list(ids) or None, list(fields))
    missing = [row[0] for row in rows if row[fields.index("status")] is None]
    if missing:
        raise NoSuchJobError(missing)
    return [as_job(fields, row) for row in rows]


def _list(client: Caller, options: argparse.Namespace) -> int:
    if options.archived and not options.ids:
        answer = client.call("Query", "job", [*LIST_FIELDS, "archived"], None)
        jobs = [as_job(LIST_FIELDS, [value for _, value in row[:-1]]) for row in answer["data"]]
    else:
        jobs = _query(client, options.ids, LIST_FIELDS)
    if options.status:
        jobs = [job for job in jobs if job["status"] in options.status]
    if options.live:
        jobs = [job for job in jobs if job["status"] not in FINAL]
    if options.json:
        _print_json(jobs)
    elif jobs:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 1 << 16
        print("\n".join(job_table(jobs, width, time.time())))
    else:
        print("no jobs", file=sys.stderr)
    return 0


def _info(client: Caller, options: argparse.Namespace) -> int:
    jobs = _query(client, options.ids, INFO_FIELDS)
    if options.json:
        _print_json(jobs)
    else:
        print("\n\n".join("\n".join(job_details(job, time.time())) for job in jobs))
    return 0


# --- following


def changes(client: Caller, job_id: int) -> Iterator[tuple[str, list[Any]]]:
    """Yield a job's statuses and new log entries, until it has ended.

    Raises:
        NoSuchJobError: there is no such job.
    """
    previous: list[Any] | None = None
    serial: int | None = None
    if client.call("QueryJobs", [job_id], ["status"])[0][0] is None:
        raise NoSuchJobError([job_id])
    while True:
        answer = client.call("WaitForJobChange", job_id, ["status"], previous, serial, POLL_SECONDS)
        values, entries = answer
        status = values[0]
        if entries or values != previous:
            yield status, entries
        previous = values
        serial = max([serial or 0, *(entry[0] for entry in entries)])
        if status in FINAL:
            return


def _follow(client: Caller, ids: Sequence[int], *, as_json: bool) -> int:
    """Show the progress of jobs, one after the other; return the largest exit code."""
    worst = 0
    many = len(ids) > 1
    for job_id in ids:
        prefix = f"[{job_id}] " if many else ""
        status = "queued"
        said = ""
        for status, entries in changes(client, job_id):
            for entry in entries:
                if as_json:
                    print(json.dumps({"id": job_id, "log": entry}, ensure_ascii=False), flush=True)
                else:
                    print(f"{prefix}{log_line(entry)}", flush=True)
            if not as_json and status not in FINAL and status != said:
                print(f"{prefix}{status}", flush=True)
                said = status
        worst = max(worst, _print_end(client, job_id, as_json=as_json))
    return worst


def _print_end(client: Caller, job_id: int, *, as_json: bool) -> int:
    job = _query(client, [job_id], ["id", "status", "opstatus", "opresult"])[0]
    if as_json:
        print(json.dumps(job, ensure_ascii=False), flush=True)
    else:
        print(f"job {job_id}: {job['status']}")
        for status, result in zip(job["opstatus"], job["opresult"], strict=True):
            if result is not None and result != ["OpExecError", ["Preceding opcode failed"]]:
                print(f"  {result_text(status, result)}")
    return {"success": 0, "canceled": CANCELED}.get(job["status"], FAILED)


def _watch(client: Caller, options: argparse.Namespace) -> int:
    return _follow(client, options.ids, as_json=options.json)


# --- changing


def _each(options: argparse.Namespace, act: Callable[[int], tuple[bool, str]]) -> int:
    """Call a method for each job and print the results."""
    answers = [(job_id, *act(job_id)) for job_id in options.ids]
    if options.json:
        _print_json([{"id": job_id, "done": done, "text": text} for job_id, done, text in answers])
    else:
        for job_id, done, text in answers:
            print(f"job {job_id}: {text.removeprefix(f'Job {job_id} ')}", file=sys.stdout if done else sys.stderr)
    return 0 if all(done for _, done, _ in answers) else FAILED


def _cancel(client: Caller, options: argparse.Namespace) -> int:
    _query(client, options.ids, ["id", "status"])

    def act(job_id: int) -> tuple[bool, str]:
        done, text = client.call("CancelJob", job_id, *([True] if options.kill else []))
        return done, text

    return _each(options, act)


def _priority(client: Caller, options: argparse.Namespace) -> int:
    _query(client, options.ids, ["id", "status"])

    def act(job_id: int) -> tuple[bool, str]:
        done, text = client.call("ChangeJobPriority", job_id, options.priority)
        return done, text

    return _each(options, act)


def _archive(client: Caller, options: argparse.Namespace) -> int:
    if options.older is not None:
        archived, left = client.call("AutoArchiveJobs", options.older, POLL_SECONDS)
        if options.json:
            _print_json({"archived": archived, "left": left})
        else:
            print(f"archived {archived} jobs{f', {left} not looked at yet' if left else ''}")
        return 0
    _query(client, options.ids, ["id", "status"])

    def act(job_id: int) -> tuple[bool, str]:
        done = client.call("ArchiveJob", job_id)
        return done, "archived" if done else "has not ended yet, or is archived already"

    return _each(options, act)


def _drain(client: Caller, options: argparse.Namespace) -> int:
    if options.state is not None:
        client.call("SetDrainFlag", options.state == "on")
    (drained,) = client.call("QueryConfigValues", ["drain_flag"])
    if options.json:
        _print_json({"drained": drained})
    else:
        print("the queue is drained: new jobs are refused" if drained else "the queue takes new jobs")
    return 0
