"""luxid as a process: what clients see. Jobs are run by the minimal program in `fakes`."""

import os
import signal
import stat
from collections.abc import Iterator
from typing import Any

import pytest

from impl.paths import Root
from impl.queue.files import archived_path, job_path, read_job
from impl.wire.client import Client
from spec.errors import PeerError
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, short_root, wait_all, wait_status

pytestmark = pytest.mark.xdist_group("luxid")


@pytest.fixture(scope="module")
def root() -> Iterator[Root]:
    with short_root() as made:
        yield made


@pytest.fixture(scope="module")
def wconfd(root: Root) -> Iterator[FakeWconfd]:
    fake = FakeWconfd(root)
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def luxid(root: Root, wconfd: FakeWconfd) -> Iterator[Luxid]:
    daemon = Luxid(root)
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def client(luxid: Luxid) -> Iterator[Client]:
    with luxid.client() as made:
        yield made


def test_the_socket_is_for_the_group(luxid: Luxid, root: Root) -> None:
    assert stat.S_IMODE(os.stat(root.luxi_socket).st_mode) == 0o660


def test_a_job_from_submission_to_success(client: Client, root: Root) -> None:
    job_id = client.call("SubmitJob", [delay()])
    wait_status(client, job_id, "success")
    job = read_job(job_path(root.queue, job_id))
    assert job.livelock is not None
    assert job.ops[0].input["reason"][0][:2] == ["gnt:opcode:test_delay", f"job={job_id};index=0"]
    assert client.call("QueryJobs", [job_id, 99999], ["id", "status", "opstatus", "priority"]) == [
        [job_id, "success", ["success"], 0],
        [99999, None, None, None],
    ]


def test_an_answered_id_is_on_disk(client: Client, root: Root) -> None:
    for _ in range(20):
        job_id = client.call("SubmitJob", [delay()])
        assert read_job(job_path(root.queue, job_id)).id == job_id
        with open(f"{root.queue}/serial", encoding="ascii") as serial:
            assert int(serial.read()) >= job_id


def test_many_jobs_and_relative_dependencies(client: Client) -> None:
    answers = client.call(
        "SubmitManyJobs",
        [
            [delay()],
            [delay(depends=[[-5, []]])],
            [delay(depends=[[-2, ["success"]]])],
            [delay(depends=[[-2, []]])],
            [delay(depends=[[-9, []]])],
        ],
    )
    assert [good for good, _ in answers] == [True, False, True, False, False]
    assert answers[1][1] == "Relative dependency -5 points before the first job of the submission"
    first, third = answers[0][1], answers[2][1]
    assert third == first + 1
    wait_all(client, [first, third])


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ([{"OP_ID": "OP_NOSUCH", "reason": []}], "Unknown opcode OP_NOSUCH"),
        ([delay(), delay(priority=19)], "Can't parse value for 'priority'"),
        ([delay(duration="x")], "Can't parse value for 'duration'"),
        ([delay(depends=[[-1, ["running"]]])], "Can't parse value for 'depends'"),
        ("OP_TEST_DELAY", "Unable to read list"),
        ([5], ""),
    ],
)
def test_one_wrong_opcode_refuses_the_whole_request(luxid: Luxid, root: Root, wrong: Any, text: str) -> None:
    with luxid.client() as client:
        before = client.call("SubmitJob", [delay()])
        with pytest.raises(PeerError) as caught:
            client.call("SubmitManyJobs", [[delay()], wrong, [delay()]])
        assert "Failed to parse request: SubmitManyJobs: " in str(caught.value)
        assert text in str(caught.value)
    with luxid.client() as client:
        assert client.call("SubmitJob", [delay()]) == before + 1


def test_a_failed_dependency_fails_the_job_without_a_process(client: Client, root: Root) -> None:
    missing = client.call("SubmitJob", [delay(depends=[[99999, ["success"]]])])
    wait_status(client, missing, "error")
    ((result,),) = client.call("QueryJobs", [missing], ["opresult"])
    assert result == [["OpExecError", ["Dependency error: Job 99999 not found"]]]
    assert read_job(job_path(root.queue, missing)).process_id is None


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("NoSuchMethod", [], 'LUXI request method: Invalid string value for type LuxiReq: "NoSuchMethod"'),
        ("SubmitJob", [[{"OP_ID": "OP_TEST_DELAY"}]], "SubmitJob: key 'reason' not found"),
        ("WaitForJobChange", [1], "Parsing WaitForJobChange message: Not enough values"),
        ("CancelJob", [], "1 or 2 arguments expected"),
        ("CancelJob", ["x"], "Unable to parse job id"),
        ("SetDrainFlag", [1], "Unable to read Bool"),
        ("QueryNodes", [1, 2, 3], "Unable to read list"),
        ("QueryNodes", [[], ["name"], ["name"]], "Unable to read Bool"),
        ("QueryFilters", [1, ["uuid"]], "Unable to read list"),
        ("QueryExports", [[], 1], "Unable to read Bool"),
        ("QueryFields", ["node", ""], "Unable to read list"),
        ("QueryTags", ["node", 0], "Unable to read String"),
        ("AutoArchiveJobs", [float("inf"), 1], "Unable to read Int"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_ends_the_connection(luxid: Luxid, method: str, args: list[Any], text: str) -> None:
    with luxid.client() as client:
        with pytest.raises(PeerError, match="Failed to parse request") as caught:
            client.call(method, *args)
        assert text in str(caught.value)
    with luxid.client() as client:
        assert client.call("QueryConfigValues", ["cluster_name", "nosuch"]) == ["c", None]


@pytest.mark.parametrize(
    ("method", "args", "error", "text"),
    [
        ("WaitForJobChange", [99999, ["status"], None, None, 1], "JobLost", "Can't load job file"),
        ("QueryJobs", [[1], ["nosuchfield"]], "OpPrereqError", "Unknown output fields selected: nosuchfield"),
        ("PickupJob", [1], "GenericError", "Luxi call 'PickupJob' is for internal use only"),
    ],
)
def test_what_is_refused_keeps_the_connection(
    client: Client, method: str, args: list[Any], error: str, text: str
) -> None:
    with pytest.raises(PeerError) as caught:
        client.call(method, *args)
    assert (caught.value.error_class, caught.value.arguments[0]) == (error, text)
    assert client.call("ArchiveJob", 99999) is False


def test_cancel_of_missing_ended_and_queued_jobs(client: Client, root: Root) -> None:
    assert client.call("CancelJob", 99999) == [False, "Job 99999 not found in queue"]
    first, second = (job_id for _, job_id in client.call(
        "SubmitManyJobs", [[delay(600)], [delay(depends=[[-1, ["success"]]])]]
    ))  # fmt: skip
    assert client.call("ChangeJobPriority", second, -20) == [
        True, f"Priorities of pending opcodes for job {second} have been changed to -20",
    ]  # fmt: skip
    assert client.call("QueryJobs", [second], ["status", "priority"]) == [["queued", -20]]
    assert client.call("ArchiveJob", second) is False
    assert client.call("CancelJob", second) == [True, f"Dequeued job {second}"]
    assert client.call("CancelJob", second) == [False, f"Job {second} not found in queue"]
    assert client.call("QueryJobs", [second], ["status", "opresult"]) == [["canceled", [None]]]
    wait_status(client, first, "running")
    assert client.call("CancelJob", first) == [
        False, "Job no longer waiting, can't cancel (informed it anyway)",
    ]  # fmt: skip
    done, text = client.call("ChangeJobPriority", first, 5)
    assert done
    assert text == f"Job {first} with pid {read_job(job_path(root.queue, first)).process_id} signaled"
    wait_status(client, first, "success")
    assert client.call("ArchiveJob", first) is True
    assert client.call("QueryJobs", [first], ["status", "archived"]) == [["success", True]]
    assert os.path.exists(archived_path(root.queue, first))


def test_cancel_while_it_waits_for_locks(client: Client) -> None:
    job_id = client.call("SubmitJob", [delay(comment="wait for locks"), delay()])
    assert client.call("CancelJob", job_id) == [True, "Job successfully cancelled"]
    assert client.call("QueryJobs", [job_id], ["opstatus"]) == [[["canceled", "canceled"]]]


def test_a_killed_job_fails_at_once_and_wconfd_is_notified(client: Client, wconfd: FakeWconfd) -> None:
    job_id = client.call("SubmitJob", [delay(600), delay()])
    wait_status(client, job_id, "running")
    wconfd.cleaned.clear()
    assert client.call("CancelJob", job_id, True) == [True, "SIGKILL send to the process"]
    wait_status(client, job_id, "error", seconds=1)
    assert wconfd.cleaned.wait(60)
    ((results, ops),) = client.call("QueryJobs", [job_id], ["opresult", "ops"])
    assert results == [f"detected death of job {job_id}"] * 2
    assert ops[0]["reason"][-1][:2] == ["gnt:daemon:luxid:deathdetection", f"detected death of job {job_id}"]


def test_drain(client: Client, root: Root) -> None:
    assert client.call("SetDrainFlag", True) is True
    assert os.path.exists(f"{root.queue}/drain")
    for method, jobs in (("SubmitJob", [delay()]), ("SubmitManyJobs", [[delay()]])):
        with pytest.raises(PeerError, match="Queue drained"):
            client.call(method, jobs)
    wait_status(client, client.call("SubmitJobToDrainedQueue", [delay()]), "success")
    assert client.call("QueryConfigValues", ["drain_flag"]) == [True]
    assert client.call("SetDrainFlag", False) is True
    assert client.call("SetDrainFlag", False) is True
    assert client.call("QueryConfigValues", ["drain_flag"]) == [False]


def test_wait_for_job_change(client: Client) -> None:
    job_id = client.call("SubmitJob", [delay(600)])
    wait_status(client, job_id, "running")
    fields = ["status", "opstatus"]
    values, logs = client.call("WaitForJobChange", job_id, fields, None, None, 5)
    assert values == ["running", ["running"]]
    assert [(serial, kind, text) for serial, _, kind, text in logs] == [(1, "message", "running")]
    assert client.call("WaitForJobChange", job_id, fields, values, 1, 0) == [values, []]
    assert client.call("WaitForJobChange", job_id, fields, values, 0, 5) == [values, logs]
    client.call("ChangeJobPriority", job_id, 0)
    assert client.call("WaitForJobChange", job_id, fields, values, 1, 5) == [["success", ["success"]], []]
    assert client.call("WaitForJobChange", job_id, ["status"], ["success"], 1, 5) == [["success"], []]


def test_auto_archive(client: Client, root: Root) -> None:
    answers = client.call("SubmitManyJobs", [[delay()] for _ in range(5)])
    ids = [job_id for _, job_id in answers]
    wait_all(client, ids)
    assert client.call("AutoArchiveJobs", 3600, 30) == [0, 0]
    archived, left = client.call("AutoArchiveJobs", -1, 30)
    assert archived >= 5
    assert left == 0
    assert all(os.path.exists(archived_path(root.queue, job_id)) for job_id in ids)


def test_max_running_jobs_follows_the_configuration(client: Client, wconfd: FakeWconfd) -> None:
    wconfd.set(max_running_jobs=2)
    client.call("QueryClusterInfo")
    ids = [job_id for _, job_id in client.call("SubmitManyJobs", [[delay(600)] for _ in range(5)])]
    wait_all(client, ids[:2], "running")
    statuses = [row[0] for row in client.call("QueryJobs", ids, ["status"])]
    assert statuses == ["running", "running", "queued", "queued", "queued"]
    wconfd.set(max_running_jobs=20)
    client.call("QueryClusterInfo")
    wait_all(client, ids, "running")
    for job_id in ids:
        client.call("ChangeJobPriority", job_id, 0)
    wait_all(client, ids)


def test_secret_parameters_reach_the_job_and_never_the_disk(client: Client, root: Root) -> None:
    osparams = {"password": "s3cr3t-of-the-test"}
    job_id = client.call(
        "SubmitJob",
        [{"OP_ID": "OP_INSTANCE_REINSTALL", "instance_name": "i1", "osparams_secret": osparams, "reason": [],
          "comment": "tell secrets"}],
    )  # fmt: skip
    wait_status(client, job_id, "success")
    ((results, ops),) = client.call("QueryJobs", [job_id], ["opresult", "ops"])
    assert results == [{"osparams_secret": osparams}]
    assert ops[0]["osparams_secret"] == {"password": "<redacted>"}
    submitted_only = client.call(
        "SubmitManyJobs",
        [[delay(600)],
         [{"OP_ID": "OP_INSTANCE_REINSTALL", "instance_name": "i1", "osparams_secret": osparams, "reason": [],
           "depends": [[-1, ["success"]]]}]],
    )  # fmt: skip
    for directory, _, names in os.walk(root.state):
        for name in names:
            with open(os.path.join(directory, name), "rb") as file:
                found = b"s3cr3t-of-the-test" in file.read()
            assert not found or name == f"job-{job_id}"  # the fake program wrote it as a result
    client.call("CancelJob", submitted_only[1][1])
    client.call("CancelJob", submitted_only[0][1], True)


def test_watcher_pause(client: Client) -> None:
    assert client.call("SetWatcherPause", 4102444800.5) == 4102444800.5
    assert client.call("QueryConfigValues", ["watcher_pause"]) == [4102444800]
    assert client.call("SetWatcherPause", None) is None
    assert client.call("QueryConfigValues", ["watcher_pause"]) == [None]


def test_a_broken_hand_over_is_tried_again_then_failed(client: Client) -> None:
    job_id = client.call("SubmitJob", [delay(comment="no hand-over")])
    wait_status(client, job_id, "error")
    ((results,),) = client.call("QueryJobs", [job_id], ["opresult"])
    assert results[0].startswith(f"job {job_id} failed to start: the job's process ended before")


def test_the_spawner_may_die(client: Client, luxid: Luxid) -> None:
    running = client.call("SubmitJob", [delay(600)])
    wait_status(client, running, "running")
    spawner = [line["pid"] for line in luxid.log() if line["event"] == "spawner started"][-1]
    os.kill(spawner, signal.SIGKILL)
    wait_status(client, client.call("SubmitJob", [delay()]), "success")
    assert client.call("QueryJobs", [running], ["status"]) == [["running"]]
    client.call("ChangeJobPriority", running, 0)
    wait_status(client, running, "success")


def test_filters_pause_and_reject(client: Client) -> None:
    watermark = ["jobid", [">", "id", "watermark"]]
    trail = [["test", "", 1]]
    paused = client.call("ReplaceFilter", None, 1, [watermark], "PAUSE", trail)
    job_id = client.call("SubmitJob", [delay()])
    assert client.call("QueryFilters", [paused], ["uuid", "priority", "action", "predicates"]) == [
        [paused, 1, "PAUSE", [watermark]]
    ]
    assert client.call("QueryJobs", [job_id], ["status"]) == [["queued"]]
    assert client.call("ReplaceFilter", paused, 1, [watermark], "ACCEPT", trail) == paused
    wait_status(client, job_id, "success")
    assert client.call("DeleteFilter", paused) is None
    with pytest.raises(PeerError, match=f"Filter rule with UUID {paused} does not exist"):
        client.call("DeleteFilter", paused)
    rejecting = client.call("ReplaceFilter", None, 1, [["opcode", ["=", "OP_ID", "OP_TEST_DELAY"]]], "REJECT", trail)
    rejected = client.call("SubmitJob", [delay()])
    wait_status(client, rejected, "canceled")
    client.call("DeleteFilter", rejecting)
    assert client.call("QueryFilters", None, ["uuid"]) == []


def test_rate_limits(client: Client) -> None:
    limited = [[delay(600, reason=[["user", "rate-limit:2:backup", 1]])] for _ in range(4)]
    ids = [job_id for _, job_id in client.call("SubmitManyJobs", limited)]
    wait_all(client, ids[:2], "running")
    wait_status(client, client.call("SubmitJob", [delay()]), "success")
    assert client.call("QueryJobs", ids[2:], ["status"]) == [["queued"], ["queued"]]
    client.call("ChangeJobPriority", ids[0], 0)
    wait_status(client, ids[2], "running")
    assert client.call("QueryJobs", ids[3:], ["status"]) == [["queued"]]
    for job_id in ids[1:]:
        if client.call("QueryJobs", [job_id], ["status"]) == [["queued"]]:
            wait_status(client, job_id, "running")
        client.call("ChangeJobPriority", job_id, 0)
        wait_status(client, job_id, "success")


def test_metrics(client: Client) -> None:
    wait_status(client, client.call("SubmitJob", [delay()]), "success")
    text = client.call("QueryMetrics")
    assert 'gantry_jobs_ended_total{status="success"}' in text
    assert "gantry_jobs_running 0.0" in text
