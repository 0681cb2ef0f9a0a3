"""Requests beyond the limits: luxid refuses them whole, goes on, and starts again with what it acknowledged."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from impl.limits import MAX_JOB_ID, MAX_JOBS_IN_CALL, MAX_OPCODES_IN_JOB, MAX_VALUE_DEPTH
from impl.luxid.methods import COMMANDS
from impl.luxid.queries import QUERIES
from impl.paths import Root
from impl.wire.client import Client
from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import encode_request
from spec.errors import PeerError
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, short_root

pytestmark = pytest.mark.xdist_group("luxid")

DIGITS = "7" * 5000


@pytest.fixture(scope="module")
def root() -> Iterator[Root]:
    with short_root() as made:
        fake = FakeWconfd(made, max_running_jobs=0)
        yield made
        fake.close()


@pytest.fixture(scope="module")
def luxid(root: Root) -> Iterator[Luxid]:
    daemon = Luxid(root)
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def client(luxid: Luxid) -> Iterator[Client]:
    with luxid.client() as made:
        yield made


def everything(client: Client) -> Any:
    return client.call("QueryJobs", [], ["id", "ops", "priority", "status"])


def restart(luxid: Luxid) -> None:
    luxid.kill()
    luxid.start()


def refused(luxid: Luxid, method: str, *args: Any) -> str:
    """Return the refusal of a call."""
    with luxid.client() as client, pytest.raises(PeerError) as error:
        client.call(method, *args)
    return str(error.value)


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("target", [10**300, "1" * 300, DIGITS, MAX_JOB_ID + 1, -(10**300)])
def test_a_dependency_on_an_id_that_no_job_can_have_is_refused_and_changes_nothing(
    luxid: Luxid, client: Client, target: Any
) -> None:
    """It was acknowledged, and no later start of the daemon succeeded."""
    running = client.call("SubmitJob", [delay()])
    before = everything(client)
    bad = [delay(depends=[[running, []], [target, []]])]
    assert refused(luxid, "SubmitJob", bad)
    try:
        answers = client.call("SubmitManyJobs", [[{"OP_ID": "OP_TAGS_GET", "kind": "cluster", "reason": []}], bad])
    except PeerError:
        answers = []
    with luxid.client() as other:
        assert len(everything(other)) == len(before) + sum(good for good, _ in answers)
    restart(luxid)
    with luxid.client() as other:
        assert len(everything(other)) == len(before) + sum(good for good, _ in answers)
        assert other.call("CancelJob", running)[0]


def test_a_rate_limit_of_thousands_of_digits_limits_nothing_and_harms_nobody(luxid: Luxid, client: Client) -> None:
    """The other jobs of the call existed in memory only, and the next write of one ended every later start."""
    odd = [delay(reason=[["user", f"rate-limit:{DIGITS}:x", 1]])]
    answers = client.call("SubmitManyJobs", [[delay()], odd, [delay()]])
    assert [good for good, _ in answers] == [True, True, True]
    ids = [job_id for _, job_id in answers]
    client.call("ChangeJobPriority", ids[0], 5)
    before = everything(client)
    restart(luxid)
    with luxid.client() as other:
        assert everything(other) == before
        assert [row[0] for row in before][-3:] == ids
        for job_id in ids:
            assert other.call("CancelJob", job_id)[0]


@pytest.mark.parametrize("padding", [0, 1 << 17], ids=["small", "above 64 KB"])
def test_the_deepest_job_that_is_accepted_can_be_read_by_everybody_also_after_a_restart(
    luxid: Luxid, client: Client, padding: int
) -> None:
    """Deeper ones kept their slots for ever, or were gone after a restart."""

    def job(levels: int) -> list[dict[str, Any]]:
        value = nested(levels)
        more = {"messages": "x" * padding, "fail": False, "submit_jobs": []}
        return [{"OP_ID": "OP_TEST_DUMMY", "reason": [], "result": value, **more}]

    job_id = client.call("SubmitJob", job(MAX_VALUE_DEPTH))
    fields = ["id", "ops", "opresult", "status"]
    (before,) = client.call("QueryJobs", [job_id], fields)
    assert client.call("WaitForJobChange", job_id, fields, before, None, 0) == [before, []]
    query = client.call("Query", "job", fields, ["=", "id", job_id])
    shallow = encode_request("SubmitJob", (job(1),))
    for levels in (MAX_VALUE_DEPTH + 1, 63, 64, 70, 960, 974, 975, 976, 1100):
        deep = shallow.replace(b'"result":[]', b'"result":' + b"[" * levels + b"]" * levels)
        assert "nested deeper" in ask_raw(luxid, deep), levels
    restart(luxid)
    with luxid.client() as other:
        assert other.call("QueryJobs", [job_id], fields) == [before]
        assert other.call("Query", "job", fields, ["=", "id", job_id]) == query
        assert other.call("CancelJob", job_id)[0]


def test_the_deepest_filter_that_is_accepted_can_be_read_and_changed(luxid: Luxid, client: Client) -> None:
    def expression(levels: int) -> Any:
        return ["=", "id", 0] if levels == 1 else ["&", expression(levels - 1)]

    def replace(levels: int, **changed: Any) -> list[Any]:
        usual = {"priority": 0, "action": "CONTINUE", "trail": []} | changed
        return [None, usual["priority"], [["jobid", expression(levels)]], usual["action"], usual["trail"]]

    uuid = client.call("ReplaceFilter", *replace(MAX_VALUE_DEPTH))
    wrong = [replace(MAX_VALUE_DEPTH + 1), replace(50), replace(1, priority=10**18), replace(1, trail=nested(40))]
    wrong.append(replace(1, action=["RATE_LIMIT", 10**18]))
    for args in wrong:
        assert "GenericError" in refused(luxid, "ReplaceFilter", *args)
    ((found,),) = client.call("QueryFilters", [uuid], ["predicates"])
    assert found == [["jobid", expression(MAX_VALUE_DEPTH)]]
    other = client.call("ReplaceFilter", *replace(1))
    restart(luxid)
    with luxid.client() as again:
        rows = again.call("QueryFilters", [], ["uuid"])
        assert {uuid for (uuid,) in rows} >= {uuid, other}
        assert again.call("DeleteFilter", uuid) is None
        assert again.call("DeleteFilter", other) is None


def test_a_thousand_jobs_in_one_call_pass(luxid: Luxid, client: Client) -> None:
    answers = client.call("SubmitManyJobs", [[delay(comment="x" * 1000)] for _ in range(1000)])
    assert all(good for good, _ in answers)
    restart(luxid)
    with luxid.client() as other:
        assert len({job_id for _, job_id in answers} & {row[0] for row in everything(other)}) == 1000
        other.call_all([("CancelJob", [job_id]) for _, job_id in answers])


def test_more_jobs_or_opcodes_than_the_limit_are_refused(luxid: Luxid) -> None:
    with luxid.client() as client:
        before = len(everything(client))
        with pytest.raises(PeerError, match="jobs in one call"):
            client.call("SubmitManyJobs", [[]] * (MAX_JOBS_IN_CALL + 1))
        assert len(everything(client)) == before
    assert "opcodes" in refused(luxid, "SubmitJob", [{}] * (MAX_OPCODES_IN_JOB + 1))


HOSTILE: list[Any] = [
    10**300, -(10**300), 10**19 - 1, 1 - 10**19, 1e300, -1e300, 1e-300, 2**53, DIGITS, "1" * 19, "-" + DIGITS,
    "\0", "/" * 5000, "\ud7ff", nested(40), nested(50), [[nested(40)]], {"a": nested(40)}, [DIGITS], [10**18], [1e300],
    [["=", "id", 1e300]], ["=", "id", DIGITS], ["=", "id", 10**18], ["=", "name", DIGITS], ["?", ["x"]],
    [{}], [[[]]], True, None, [], {},
]  # fmt: skip
USUAL: dict[str, list[Any]] = {
    "Query": ["job", ["id"], None], "QueryFields": ["node", ["name"]], "QueryJobs": [[1], ["id"]],
    "QueryFilters": [[], ["uuid"]], "QueryExports": [[], False], "QueryConfigValues": [["cluster_name"]],
    "QueryTags": ["cluster", ""], "WaitForJobChange": [1, ["status"], None, None, 0], "CancelJob": [10**9, True],
    "ChangeJobPriority": [10**9, 0], "ArchiveJob": [10**9], "AutoArchiveJobs": [10**9, 0], "SetDrainFlag": [False],
    "SetWatcherPause": [0], "ReplaceFilter": [None, 0, [["jobid", ["=", "id", 0]]], "CONTINUE", []],
    "DeleteFilter": ["x"], "SubmitJob": [[]], "SubmitJobToDrainedQueue": [[]], "SubmitManyJobs": [[]],
}  # fmt: skip


@pytest.mark.parametrize("method", sorted({*COMMANDS, *QUERIES}))
def test_no_argument_of_any_method_fails_within_luxid_or_harms_the_next_request(luxid: Luxid, method: str) -> None:
    usual = USUAL.get(method, [[], ["name"], False] if method.startswith("Query") else [])
    for place in range(len(usual)):
        for value in HOSTILE:
            args = [*usual[:place], value, *usual[place + 1 :]]
            answer = ask_raw(luxid, encode_request(method, tuple(args)))
            assert "ProgrammerError" not in answer, (args, answer)
    with luxid.client() as client:
        assert client.call("QueryConfigValues", ["cluster_name"]) == ["c"]


def ask_raw(luxid: Luxid, payload: bytes) -> str:
    """Return what one message is answered, whatever it holds."""
    decoder = FrameDecoder()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(luxid.root.luxi_socket)
        connection.sendall(frame(payload))
        while data := connection.recv(1 << 16):
            if messages := decoder.receive_data(data):
                return messages[0].decode()
    raise AssertionError(f"no answer to {payload[:200]!r}")


def test_after_a_request_beyond_a_limit_the_others_of_the_connection_are_answered(client: Client) -> None:
    with pytest.raises(PeerError, match="request refused"):
        client.call_all([("QueryTags", [nested(70)]), ("QueryTags", ["cluster", ""])])
    assert client.call("QueryConfigValues", ["cluster_name"]) == ["c"]
