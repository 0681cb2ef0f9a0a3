"""Job filters over LUXI: what is refused, what is stored, and what a stored rule that cannot be read does."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from impl.paths import Root
from impl.wire.client import Client
from spec.errors import PeerError
from tests.impl.luxid.fakes import FakeWconfd, Luxid, delay, short_root, wait_status

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


def test_filters_are_changed_over_connections_that_wconfd_closes_whenever_they_are_idle(
    client: Client, wconfd: FakeWconfd
) -> None:
    wconfd.hangs_up = True
    try:
        for _ in range(5):
            uuid = client.call("ReplaceFilter", None, 1, [["jobid", ["=", "id", 10**9]]], "PAUSE", [])
            client.call("DeleteFilter", uuid)
    finally:
        wconfd.hangs_up = False
    assert wconfd.config["filters"] == {}


def nested(levels: int) -> Any:
    """A filter of some levels."""
    value: Any = ["=", "id", 1]
    for _ in range(levels):
        value = ["!", value]
    return value


def rule(*expressions: Any, kind: Any = "opcode") -> list[Any]:
    """The arguments of a ReplaceFilter that rejects what matches."""
    return [None, 1, [[kind, expression] for expression in expressions], "REJECT", []]


BAD_FILTERS = {
    "a negative priority": [None, -1, [], "PAUSE", []],
    "a large priority": [None, 10**17, [], "PAUSE", []],
    "an unknown action": [None, 1, [], "EXPLODE", []],
    "an action that is an object": [None, 1, [], {}, []],
    "no limit": [None, 1, [], ["RATE_LIMIT", 0], []],
    "too few arguments": [None, 1, [], "PAUSE"],
    "predicates that are an object": [None, 1, {}, "PAUSE", []],
    "a text for a predicate": [None, 1, ["jobid"], "PAUSE", []],
    "a reason that is none": [None, 1, [], "PAUSE", [1]],
    "an unknown kind": rule(None, kind="nosuch"),
    "a kind that is a list": rule(None, kind=["jobid"]),
    "a text": rule("x"),
    "no operator": rule([]),
    "an inner list": rule([[]]),
    "an operator that is an object": rule([{}, "id", 1]),
    "an inner operator that is a list": rule(["&", [["="], "id", 1]]),
    "an unknown operator": rule(["~", "id", 1]),
    "no value": rule(["=", "id"]),
    "a field that is a list": rule(["=", ["id"], 1]),
    "a value that is null": rule(["=", "id", None]),
    "a wrong second predicate": rule(["=", "OP_ID", "x"], [[]]),
    "a repetition too large": rule(["=~", "OP_ID", "a{4294967296}"]),
    "1,500 brackets": rule(["=~", "OP_ID", "[" * 1500]),
    "1,500 groups": rule(["=~", "OP_ID", "(" * 1500 + ")" * 1500]),
    "330 levels": rule(nested(330)),
    "look-around": rule(["=~", "OP_ID", "(?=OP)"]),
    "a pattern too long": rule(["=~", "OP_ID", "x" * 20_000]),
    "1,001 tests": rule(["|", *[["=", "id", 1]] * 1001]),
}


@pytest.mark.parametrize("args", BAD_FILTERS.values(), ids=BAD_FILTERS)
def test_a_bad_filter_is_refused_and_neither_stored_nor_in_the_way_of_others(
    luxid: Luxid, wconfd: FakeWconfd, args: list[Any]
) -> None:
    with luxid.client() as client:
        good = client.call("ReplaceFilter", None, 5, [["opcode", ["=", "comment", "held"]]], "PAUSE", [])
    with luxid.client() as client, pytest.raises(PeerError, match=r"Failed to parse request|GenericError"):
        client.call("ReplaceFilter", *args)
    assert list(wconfd.config["filters"]) == [good]
    with luxid.client() as client:
        held = client.call("SubmitJob", [delay(comment="held")])
        wait_status(client, client.call("SubmitJob", [delay()]), "success")
        assert client.call("QueryJobs", [held], ["status"]) == [["queued"]]
        client.call("DeleteFilter", good)
        wait_status(client, held, "success")


def test_a_stored_rule_that_cannot_be_read_holds_what_it_may_concern_and_the_others_are_enforced(
    client: Client, luxid: Luxid, wconfd: FakeWconfd, root: Root
) -> None:
    held = ["opcode", ["=", "comment", "held"]]
    stored = {"priority": 9, "watermark": 0, "reason_trail": [], "action": "REJECT"}
    wconfd.config["filters"] = {
        "bad": {**stored, "predicates": [held, ["jobid", [[]]]]},
        "good": {**stored, "predicates": [["opcode", ["=", "comment", "rejected"]]]},
        "odd": {**stored, "predicates": [held, ["jobid", ["=", "id", 0]]], "action": {}},
    }
    wconfd.set()
    try:
        client.call("QueryClusterInfo")
        ids = [client.call("SubmitJob", [delay(comment=comment)]) for comment in ("held", "rejected", "other")]
        wait_status(client, ids[1], "canceled")
        wait_status(client, ids[2], "success")
        assert client.call("QueryJobs", ids[:1], ["status"]) == [["queued"]]
        rows = client.call("QueryFilters", [], ["uuid", "action", "problem"])
        assert rows == [
            ["bad", "REJECT", "Cannot deserialise filter: expected array [string, args], got [[]]"],
            ["good", "REJECT", None], ["odd", {}, "its action is none"],
        ]  # fmt: skip
        assert "gantry_filters_unreadable 2.0" in client.call("QueryMetrics")
        with open(root.log_file("luxid"), encoding="utf-8") as log:
            assert '"filter": "bad", "reason": "Cannot deserialise filter' in log.read()
        luxid.stop()
        luxid.start()
        with luxid.client() as again:
            wait_status(again, again.call("SubmitJob", [delay(comment="rejected")]), "canceled")
            wait_status(again, again.call("SubmitJob", [delay(comment="other")]), "success")
            assert again.call("QueryJobs", ids[:1], ["status"]) == [["queued"]]
            again.call("ReplaceFilter", str(UUID(int=1)), 1, [held], "ACCEPT", [])
            wait_status(again, ids[0], "success")
    finally:
        wconfd.config["filters"] = {}
        wconfd.set()
        with luxid.client() as again:
            again.call("QueryClusterInfo")


@pytest.mark.parametrize("pattern", ["([0-9a-f-]+)+$X", "(x+x+)+y", "(a*)*(a*)*c", "(a|b)*a(a|b){900}"])
def test_no_pattern_of_a_query_or_a_job_filter_holds_the_daemon(client: Client, pattern: str) -> None:
    text = "0123456789abcdef-" * 500 + "xa" * 500
    began = time.monotonic()
    client.call("Query", "node", ["name"], ["=~", "name", pattern])
    uuid = client.call("ReplaceFilter", None, 1, [["opcode", ["=~", "comment", pattern]]], "PAUSE", [])
    job_id = client.call("SubmitJob", [delay(comment=text)])
    assert client.call("QueryJobs", [job_id], ["id"]) == [[job_id]]
    assert time.monotonic() - began < 20, "seconds here are hours with backtracking"
    client.call("DeleteFilter", uuid)
    wait_status(client, job_id, "success")
