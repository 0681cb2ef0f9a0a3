"""Checks a luxid: submissions, dependencies, cancels, priorities, archives, drain, waiting, queries, bad streams.

The daemon is reached only through its socket; the jobs are delays of a few milliseconds that need no node. The checks
change, close and open the queue, so run them on a cluster that nobody else uses.
"""

import json
from itertools import combinations
from typing import Any

from checkers.conformance.session import AnyOf, Scenario, Session, frame, starts
from impl.wire.messages import encode_request
from spec.jobs.model import Job, Opcode, Status
from spec.jobs.queue import Queue, dependency_verdict

KNOWN: dict[str, str] = {
    "a relative dependency out of range": "Ganeti drops the connection, or takes an older job for it",
    "what a cancelled dependency says": "Ganeti says 'Job canceled by request', not of which job",
    "opening twice": "Ganeti drops the connection",
    "archiving all by age -1": "Ganeti archives nothing, whatever its manual says",
    "text other than ASCII": "Ganeti truncates the characters",
}
"""Checks whose answer is known to differ in Ganeti 3.0.2."""

POSITIVE = AnyOf("a positive number", lambda value: isinstance(value, int) and value > 0)


def opcode(duration: float = 0.001, **more: Any) -> dict[str, Any]:
    """Make a delay opcode without nodes."""
    return {"OP_ID": "OP_TEST_DELAY", "duration": duration, "on_master": False, "on_nodes": [], "repeat": 0,
            "interruptible": False, "no_locks": False, "debug_level": 0, "dry_run": False, "priority": 0,
            "reason": [], **more}  # fmt: skip


def lasting(seconds: float = 30) -> dict[str, Any]:
    """Make a delay opcode that lasts until it is killed."""
    return opcode(seconds, on_master=True, interruptible=True)


def ended(session: Session, job_id: Any) -> Any:
    """Wait for a job's end; return its status."""
    previous: Any = None
    for _ in range(120):
        answer = session.call("WaitForJobChange", job_id, ["status"], previous, 10**6, 5)
        if not isinstance(answer, list):
            return answer
        if answer[0][0] in {"success", "error", "canceled"}:
            return answer[0][0]
        previous = answer[0]
    return previous


def running(session: Session, job_id: Any) -> Any:
    """Wait until a job runs; return its status."""
    previous: Any = None
    for _ in range(120):
        answer = session.call("WaitForJobChange", job_id, ["status"], previous, 10**6, 5)
        if not isinstance(answer, list) or answer[0][0] in {"running", "success", "error", "canceled"}:
            return answer if not isinstance(answer, list) else answer[0][0]
        previous = answer[0]
    return previous


def submissions(session: Session) -> None:
    """Check one job and many, empty ones, and their ids."""
    first = session.call("SubmitJob", [opcode()])
    session.check("an id", first, POSITIVE)
    session.check("the next id", session.call("SubmitJob", [opcode()]), first + 1)
    many = session.call("SubmitManyJobs", [[opcode()], [opcode(), opcode()]])
    session.check("many ids", many, [[True, first + 2], [True, first + 3]])
    session.check("no jobs at all", session.call("SubmitManyJobs", []), [])
    empty = session.call("SubmitJob", [])
    session.check("a job without opcodes", empty, first + 4)
    session.check("it is a success", session.call("QueryJobs", [empty], ["status", "opstatus"]), [["success", []]])
    for job_id in range(first, first + 4):
        session.check(f"job {job_id - first + 1} of 4 succeeds", ended(session, job_id), "success")
    fields = ["id", "status", "opstatus", "opresult", "oplog", "priority", "archived", "summary"]
    row = [first + 3, "success", ["success"] * 2, [None] * 2, [[], []], 0, False, ["TEST_DELAY(1.0e-3)"] * 2]
    session.check("fields of an ended job", session.call("QueryJobs", [first + 3], fields), [row])
    trail = session.call("QueryJobs", [first], ["ops"])[0][0][0]["reason"]
    wanted = [["gnt:opcode:test_delay", f"job={first};index=0"]]
    session.check("the reason trail", [entry[:2] for entry in trail], wanted)


def refusals(session: Session) -> None:
    """Check jobs that are not valid."""
    parse = "Failed to parse request: SubmitJob: "
    cases = {
        "an unknown opcode": ({"OP_ID": "OP_NOSUCH", "reason": []}, "Unknown opcode OP_NOSUCH"),
        "no reason": ({"OP_ID": "OP_TEST_DELAY"}, "key 'reason' not found, object contains only [\"OP_ID\"]"),
        "a text for a number": (opcode(duration="x"), "Can't parse value for 'duration': Unable to read Double"),  # type: ignore[arg-type]
        "a priority of 7": (
            opcode(priority=7),
            "Can't parse value for 'priority': Invalid string value for type OpSubmitPriority: 7",
        ),
    }
    for name, (op, text) in cases.items():
        session.check(name, session.call("SubmitJob", [op]), ("error", "", [parse + text]))
    superfluous = session.call("SubmitJob", [opcode(zzz=1)])
    session.check(
        "an unknown parameter", superfluous, ("error", "", [starts(parse + 'Superfluous dictionary keys: ["zzz"]')])
    )
    mixed = session.call("SubmitManyJobs", [[opcode()], [{"OP_ID": "OP_NOSUCH", "reason": []}]])
    many = "Failed to parse request: SubmitManyJobs: "
    session.check("one bad job among many refuses all", mixed, ("error", "", [starts(many)]))
    failing = session.call("SubmitJob", [opcode(-1), opcode()])
    session.check("a failing job", ended(session, failing), "error")
    results = [["OpPrereqError", ["Duration must be greater than zero"]], ["OpExecError", ["Preceding opcode failed"]]]
    session.check(
        "its results", session.call("QueryJobs", [failing], ["opstatus", "opresult"]), [[["error"] * 2, results]]
    )


def dependencies(session: Session) -> None:
    """Check jobs that wait for others."""
    answers = session.call(
        "SubmitManyJobs", [[opcode()], [opcode(depends=[[-1, ["success"]]])], [opcode(depends=[[-2, []]])]]
    )
    ids = [job_id for _, job_id in answers]
    session.check("fulfilled dependencies", [ended(session, job_id) for job_id in ids], ["success"] * 3)
    ops = session.call("QueryJobs", [ids[1]], ["ops"])[0][0]
    session.check("relative ids become absolute", ops[0]["depends"], [[ids[0], ["success"]]])
    starts_at = [row[0] for row in session.call("QueryJobs", ids[:2], ["start_ts"])]
    ends_at = session.call("QueryJobs", ids[:1], ["end_ts"])[0][0]
    session.check("it started after the other's end", starts_at[1] >= ends_at, True)
    missing = session.call("SubmitJob", [opcode(depends=[[999_999_999, ["success"]]])])
    session.check("a missing dependency", ended(session, missing), "error")
    text = [["OpExecError", ["Dependency error: Job 999999999 not found"]]]
    session.check("what it says", session.call("QueryJobs", [missing], ["opresult"]), [[text]])
    wanted = "error"
    wrong = session.call("SubmitJob", [opcode(depends=[[ids[0], [wanted]]])])
    session.check("an unaccepted dependency", ended(session, wrong), "error")
    reason = f"Dependency job {ids[0]} finished with status 'success', not one of 'error' as required"
    session.check("what that says", session.call("QueryJobs", [wrong], ["opresult"]), [[[["OpExecError", [reason]]]]])
    out_of_range = session.call("SubmitManyJobs", [[opcode(depends=[[-5, []]])]])
    session.check("a relative dependency out of range", out_of_range, [[False, starts("Relative dependency -5")]])


def accepted_statuses(session: Session) -> None:
    """Check every list of accepted statuses with a job of every final status against the specification."""
    failed, good, blocker = (session.call("SubmitJob", [op]) for op in (opcode(-1.0), opcode(), lasting()))
    canceled = session.call("SubmitJob", [opcode(depends=[[blocker, []]])])
    session.call("CancelJob", canceled)
    bases = {"error": failed, "success": good, "canceled": canceled}
    for status, job_id in bases.items():
        session.check(f"a job that ends as {status}", ended(session, job_id), status)
    session.call("CancelJob", blocker)
    running(session, blocker)
    session.call("CancelJob", blocker, True)
    lists = [list(part) for count in range(4) for part in combinations(bases, count)]
    wanted = [(status, part) for status in bases for part in lists]
    answers = session.call("SubmitManyJobs", [[opcode(depends=[[bases[status], part]])] for status, part in wanted])
    for (status, part), (_, job_id) in zip(wanted, answers, strict=True):
        base = Job(1, (Opcode({}, status=Status(status)),))
        verdict = dependency_verdict(Queue(ended=(base,)), Job(2, (Opcode({"depends": [[1, part]]}),)))
        name = f"{', '.join(part) or 'none'} accepted of {status}"
        session.check(name, ended(session, job_id), "success" if verdict is None else str(verdict[0]))
    text = [[[f"Dependency job {canceled} was cancelled"]]]
    session.check("what a cancelled dependency says", session.call("QueryJobs", [answers[-8][1]], ["opresult"]), text)


def cancels(session: Session) -> None:
    """Check cancels of queued, running, ended and missing jobs."""
    none = 999_999_999
    session.check("cancel of no job", session.call("CancelJob", none), [False, f"Job {none} not found in queue"])
    blocker = session.call("SubmitJob", [lasting()])
    session.check("it runs", running(session, blocker), "running")
    blocked = session.call("SubmitJob", [opcode(depends=[[blocker, ["success"]]])])
    session.check("it is queued", session.call("QueryJobs", [blocked], ["status"]), [["queued"]])
    session.check("archive of a queued job", session.call("ArchiveJob", blocked), False)
    changed = session.call("ChangeJobPriority", blocked, -20)
    text = f"Priorities of pending opcodes for job {blocked} have been changed to -20"
    session.check("priority of a queued job", changed, [True, text])
    session.check("its priorities", session.call("QueryJobs", [blocked], ["priority", "oppriority"]), [[-20, [-20]]])
    session.check("cancel of a queued job", session.call("CancelJob", blocked), [True, f"Dequeued job {blocked}"])
    session.check("once more", session.call("CancelJob", blocked), [False, f"Job {blocked} not found in queue"])
    row = [["canceled", ["canceled"], [None]]]
    session.check("a canceled job", session.call("QueryJobs", [blocked], ["status", "opstatus", "opresult"]), row)
    refused = [False, "Job no longer waiting, can't cancel (informed it anyway)"]
    session.check("cancel of a running job", session.call("CancelJob", blocker), refused)
    signalled = session.call("ChangeJobPriority", blocker, 5)
    session.check("priority of a running job", signalled, [True, starts(f"Job {blocker} with pid ")])
    session.check("archive of a running job", session.call("ArchiveJob", blocker), False)
    session.check("kill", session.call("CancelJob", blocker, True), [True, "SIGKILL send to the process"])
    session.check("a killed job", ended(session, blocker), "error")
    death = session.call("QueryJobs", [blocker], ["opresult", "ops"])[0]
    session.check("what it says", death[0], [f"detected death of job {blocker}"])
    session.check(
        "and its trail", death[1][0]["reason"][-1][:2],
        ["gnt:daemon:luxid:deathdetection", f"detected death of job {blocker}"],
    )  # fmt: skip
    gone = [False, f"Job {blocker} not found in queue"]
    session.check("cancel of an ended job", session.call("CancelJob", blocker), gone)
    session.check("priority of an ended job", session.call("ChangeJobPriority", blocker, 3), gone)


def waiting(session: Session) -> None:
    """Check WaitForJobChange."""
    lost = session.call("WaitForJobChange", 999_999_999, ["status"], None, None, 1)
    session.check("no such job", lost, ("error", "JobLost", ["Can't load job file"]))
    few = session.call("WaitForJobChange", 1)
    text = "Failed to parse request: Parsing WaitForJobChange message: Not enough values"
    session.check("too few arguments", few, ("error", "", [text]))
    job_id = session.call("SubmitJob", [lasting()])
    session.check("it runs", running(session, job_id), "running")
    fields = ["status", "opstatus"]
    now = ["running", ["running"]]
    first = session.call("WaitForJobChange", job_id, fields, None, 10**6, 5)
    session.check("the values", first, [now, []])
    unchanged = session.call("WaitForJobChange", job_id, fields, now, 10**6, 1)
    session.check("a time-out answers with the same", unchanged, [now, []])
    log = session.call("WaitForJobChange", job_id, fields, now, None, 5)
    entry = AnyOf("a log entry", lambda e: e[0] == 1 and len(e[1]) == 2 and e[2] == "delay-test")
    session.check("the log", log, [now, [entry]])
    from_serial = session.call("WaitForJobChange", job_id, fields, now, 0, 5)
    session.check("the log from a serial on", from_serial, [now, [entry]])
    session.call("CancelJob", job_id, True)
    ended(session, job_id)
    last = session.call("WaitForJobChange", job_id, fields, ["error", ["error"]], 10**6, 20)
    session.check("an ended job answers at once", last, [["error", ["error"]], []])


def archives(session: Session) -> None:
    """Check archiving by request and by age."""
    job_id = session.call("SubmitJob", [opcode()])
    ended(session, job_id)
    session.check("young jobs stay", session.call("AutoArchiveJobs", 3600, 30), [0, 0])
    session.check("archive of an ended job", session.call("ArchiveJob", job_id), True)
    session.check("once more", session.call("ArchiveJob", job_id), False)
    session.check("archive of no job", session.call("ArchiveJob", 999_999_999), False)
    fields = ["id", "status", "archived"]
    session.check("it is found by its id", session.call("QueryJobs", [job_id], fields), [[job_id, "success", True]])
    listed = [row[0] for row in session.call("QueryJobs", None, ["id"])]
    session.check("it is not listed", job_id in listed, False)
    other = session.call("SubmitJob", [opcode()])
    ended(session, other)
    moved = AnyOf("a positive count and 0", lambda value: value[0] > 0 and value[1] == 0)
    session.check("archiving all by age -1", session.call("AutoArchiveJobs", -1, 30), moved)


def drain(session: Session) -> None:
    """Check closing and opening the queue."""
    session.check("closing", session.call("SetDrainFlag", True), True)
    closed = ("error", "GenericError", ["Queue drained"])
    session.check("a closed queue refuses one", session.call("SubmitJob", [opcode()]), closed)
    session.check("a closed queue refuses many", session.call("SubmitManyJobs", [[opcode()]]), closed)
    session.check("force", ended(session, session.call("SubmitJobToDrainedQueue", [opcode()])), "success")
    session.check("the flag", session.call("QueryConfigValues", ["drain_flag"]), [True])
    session.check("opening", session.call("SetDrainFlag", False), True)
    session.check("opening twice", session.call("SetDrainFlag", False), True)
    session.check("the flag again", session.call("QueryConfigValues", ["drain_flag", "nosuch"]), [False, None])


def queries(session: Session) -> None:
    """Check queries about jobs, and refused ones."""
    job_id = session.call("SubmitJob", [opcode()])
    ended(session, job_id)
    missing = [[999_999_999, None, None]]
    session.check("no such job", session.call("QueryJobs", [999_999_999], ["id", "status", "summary"]), missing)
    unknown = ("error", "OpPrereqError", ["Unknown output fields selected: nosuchfield", "wrong_input"])
    session.check("no such field", session.call("QueryJobs", [job_id], ["nosuchfield"]), unknown)
    everything = session.call("QueryJobs", None, ["id"])
    session.check("null asks for all", everything, session.call("QueryJobs", [], ["id"]))
    session.check("in the order of ids", everything, sorted(everything))
    found = session.call("Query", "job", ["id", "status"], ["&", ["=", "id", job_id], ["==", "status", "success"]])
    definitions = [
        {"name": "id", "title": "ID", "kind": "number", "doc": "Job ID"},
        {"name": "status", "title": "Status", "kind": "text", "doc": "Job status"},
    ]
    wanted = {"fields": definitions, "data": [[[0, job_id], [0, "success"]]]}
    session.check("a filter", found, wanted)
    fields = session.call("QueryFields", "lock", None)["fields"]
    session.check("fields of locks", [entry["name"] for entry in fields], ["mode", "name", "owner", "pending"])
    internal = ("error", "GenericError", ["Luxi call 'PickupJob' is for internal use only"])
    session.check("an internal call", session.call("PickupJob", 1), internal)


def streams(session: Session) -> None:
    """Check bytes that are no request, and requests sent without waiting for answers."""
    text = 'Unable to parse LUXI request method: Invalid string value for type LuxiReq: "Nosuch"'
    text = f"Failed to parse request: {text}"
    session.check("no such method", session.call("Nosuch"), ("error", "", [text]))
    requests = b"".join(frame(encode_request("QueryConfigValues", ([name],))) for name in ("drain_flag", "nosuch") * 20)
    answers, _ = session.raw(requests)
    results = [json.loads(answer)["result"] for answer in answers]
    session.check("requests one after the other", results, [[False], [None]] * 20)
    failed = AnyOf("one refusal as plain text", lambda m: len(m) == 1 and isinstance(json.loads(m[0])["result"], str))
    deep = b"[" * 5000 + b"]" * 5000
    bad = {
        "no JSON": b"nonsense\x03",
        "no object": b"[1]\x03",
        "invalid UTF-8": b'{"method":"\xff"}\x03',
    }
    for name, data in bad.items():
        messages, closed = session.raw(data)
        session.check(name, messages, failed)
        session.check(f"{name}: the connection ends", closed, True)
    messages, _ = session.raw(
        b'{"method":"X","args":' + deep + b"}\x03" + frame(encode_request("QueryConfigValues", ([],)))
    )
    refused = AnyOf("a refusal, alone or before the next answer", lambda m: bool(m) and not json.loads(m[0])["success"])
    session.check("deeply nested", messages, refused)
    comment = "jüst ✓"
    job_id = session.call("SubmitJob", [opcode(comment=comment)])
    ended(session, job_id)
    ops = session.call("QueryJobs", [job_id], ["ops"])
    got = ops[0][0][0]["comment"] if isinstance(ops, list) else ops
    session.check("text other than ASCII", got, comment)
    session.check("it is still there", session.call("QueryConfigValues", ["nosuch"]), [None])


SCENARIOS: dict[str, Scenario] = {
    "submissions": submissions,
    "refusals": refusals,
    "dependencies": dependencies,
    "accepted statuses": accepted_statuses,
    "cancels and priorities": cancels,
    "waiting": waiting,
    "archives": archives,
    "drain": drain,
    "queries": queries,
    "streams": streams,
}
