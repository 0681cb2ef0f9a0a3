from typing import Any

import pytest

from impl.query import FIELDS, FilterSyntaxError, QueryError, needs, query_fields, run_query
from impl.query.classic import classic_query, query_cluster_info
from impl.query.model import NORMAL
from spec.jobs.model import Job, LogEntry, Opcode, Status
from tests.impl.clusters import uuid
from tests.impl.query.fakes import FakeSource, office, rows

# What htools' LUXI backend asks, in its order. Source: its requests to Ganeti's luxid.
HTOOLS_NODE = [
    "name", "mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal", "cnos", "offline", "drained", "vm_capable",
    "ndp/spindle_count", "group.uuid", "tags", "ndp/exclusive_storage", "sptotal", "spfree", "ndp/cpu_speed",
]  # fmt: skip
HTOOLS_INSTANCE = [
    "name", "disk_usage", "be/memory", "be/vcpus", "status", "pnode", "snodes", "tags", "be/auto_balance",
    "disk_template", "be/spindle_use", "disk.sizes", "disk.spindles", "forthcoming",
]  # fmt: skip
HTOOLS_GROUP = ["uuid", "name", "alloc_policy", "ipolicy", "tags"]


@pytest.fixture
def source() -> FakeSource:
    return office()


def test_every_question_of_htools_is_answered_with_data(source: FakeSource) -> None:
    for what, fields in (("node", HTOOLS_NODE), ("instance", HTOOLS_INSTANCE), ("group", HTOOLS_GROUP)):
        for row in run_query(what, fields, None, source)["data"]:
            entries = dict(zip(fields, row, strict=True))
            absent = {name for name, (status, _) in entries.items() if status != NORMAL}
            assert absent <= {"sptotal", "spfree"}, entries
    info = query_cluster_info(source.view)
    assert (info["master"], info["tags"], info["default_hypervisor"]) == ("node1.example.com", ["prod"], "fake")
    assert info["ipolicy"]["vcpu-ratio"] == 4.0


def test_rows_come_in_natural_order_or_as_asked(source: FakeSource) -> None:
    assert rows(source, "instance", ["name"]) == [["db"], ["web1.example.com"], ["web10.example.com"]]
    asked = ["|", ["=", "name", "web10"], ["=", "name", "db"]]
    assert rows(source, "instance", ["name"], asked) == [["web10.example.com"], ["db"]]


NAMES: list[tuple[Any, list[int]]] = [
    (["=", "name", "node2"], [2]),
    (["==", "name", "node2.example.com"], [2]),
    (["!=", "name", "node2"], [1, 3, 4]),
    (["=~", "name", "[13]"], [1, 3]),
    (["?", "master"], [1]),
    (["!", ["?", "master"]], [2, 3, 4]),
    (["=[]", "tags", "fast"], [3]),
    (["<", "pinst_cnt", 1], [4]),
    (["<=", "pinst_cnt", 1], [1, 2, 3, 4]),
    ([">", "pinst_cnt", 0], [1, 2, 3]),
    (["&", [">=", "pinst_cnt", 1], ["=[]", "tags", "fast"]], [3]),
    (["|", ["=", "sip", "198.51.100.4"], ["?", "master"]], [1, 4]),
    (["&"], [1, 2, 3, 4]),
    (["|"], [1, 2, 3, 4]),
    (["!", ["|"]], [1, 2, 3, 4]),
    (None, [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("qfilter", "numbers"), NAMES)
def test_the_filter_language(source: FakeSource, qfilter: Any, numbers: list[int]) -> None:
    source.config["nodes"][uuid(1, 3)]["tags"] = ["fast"]
    expected = [] if qfilter == ["|"] else [[f"node{n}.example.com"] for n in numbers]
    assert rows(source, "node", ["name"], qfilter) == expected


# Each text was observed on luxid of Ganeti 3.0.2.
SYNTAX = [
    (["zz", "serial_no", "x"], "Unknown filter operand 'zz'"),
    (["=", "serial_no"], 'Cannot deserialise field/value pair, expected [fieldname, value] but got ["serial_no"]'),
    ([], "Cannot deserialise filter: expected array [string, args], got []"),
    ("x", 'Cannot deserialise filter: expected array [string, args], got "x"'),
    ({}, "Cannot deserialise filter: expected array [string, args], got {}"),
    (["=", "offline", True], "Cannot deserialise filter value, expecting string or integer, got true"),
    (["?"], "Cannot deserialise field, expected [fieldname] but got []"),
    (["!"], "Cannot deserialise field, expected [filter] but got []"),
    (["=", 1, 2], "Unable to read String"),
    (
        ["=", "serial_no", -2.5],
        "Cannot deserialise numeric filter value, expecting integral but got a fractional value: (-5) % 2",
    ),
    (["=", "serial_no", float("inf")], "Cannot deserialise filter value, expecting string or integer, got Infinity"),
]
SENSE = [
    (["=", "zz", 1], "ParameterError", "Can't find field named 'zz'"),
    (
        ["=", "name", 1],
        "ParameterError",
        "Invalid types in comparison, trying to compare \"node1.example.com\" with 'NumericValue 1'",
    ),
    (
        ["=", "offline", "x"],
        "ParameterError",
        "Invalid types in comparison, trying to compare false with 'QuotedString \"x\"'",
    ),
    (
        ["<", "name", -1],
        "ParameterError",
        "Invalid types in comparison, trying to compare \"node1.example.com\" with 'NumericValue (-1)'",
    ),
    (["?", "name"], "ParameterError", "Unexpected value '\"node1.example.com\"' in boolean context"),
    (
        ["=~", "serial_no", "x"],
        "ParameterError",
        "Invalid field value used in regexp matching, expecting string but got '1'",
    ),
    (
        ["=[]", "name", "x"],
        "GenericError",
        "Cannot convert value '\"node1.example.com\"', error: Unable to read list",
    ),
]


@pytest.mark.parametrize(("qfilter", "text"), SYNTAX)
def test_malformed_filters_are_refused_as_by_ganeti(source: FakeSource, qfilter: Any, text: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        run_query("node", ["name"], qfilter, source)
    assert caught.value.reason == text


def test_a_bad_regular_expression_is_refused(source: FakeSource) -> None:
    with pytest.raises(FilterSyntaxError):
        run_query("node", ["name"], ["=~", "name", "("], source)


@pytest.mark.parametrize(("qfilter", "error_class", "text"), SENSE)
def test_senseless_filters_are_refused_as_by_ganeti(
    source: FakeSource, qfilter: Any, error_class: str, text: str
) -> None:
    with pytest.raises(QueryError) as caught:
        run_query("node", ["name"], qfilter, source)
    assert (caught.value.error_class, caught.value.arguments) == (error_class, (text,))


def test_an_unknown_name_and_an_unknown_field(source: FakeSource) -> None:
    with pytest.raises(QueryError) as caught:
        run_query("group", ["name"], ["=", "name", "nosuch"], source)
    assert caught.value.arguments == ("NodeGroup name nosuch not found", "unknown_entity")
    answer = run_query("node", ["name", "zz"], ["=", "name", "node1"], source)
    assert answer["fields"][1] == {"name": "zz", "title": "zz", "kind": "unknown", "doc": "Unknown field 'zz'"}
    assert answer["data"] == [[(0, "node1.example.com"), (1, None)]]


def test_unknown_kinds() -> None:
    with pytest.raises(FilterSyntaxError, match="neitherQueryTypeLuxi nor QueryTypeOp"):
        query_fields("zz")
    with pytest.raises(QueryError, match="QueryFields 'ItemTypeOpCode QRCluster' not supported"):
        query_fields("cluster")


@pytest.mark.parametrize(
    ("what", "count"),
    [("node", 46), ("instance", 292), ("group", 25), ("job", 16), ("network", 19), ("lock", 4), ("filter", 6)],
)
def test_as_many_fields_as_in_ganeti_and_each_answers(source: FakeSource, what: str, count: int) -> None:
    assert len(query_fields(what)["fields"]) == count
    source.config["networks"][uuid(5, 1)] = {
        "uuid": uuid(5, 1), "name": "net", "network": "192.0.2.0/29", "reservations": "0" * 8,
        "ext_reservations": "10000001", "serial_no": 1,
    }  # fmt: skip
    source.config["filters"][uuid(6, 1)] = {"uuid": uuid(6, 1), "watermark": 1, "priority": 0, "action": "ACCEPT"}
    source.live[1] = Job(1, (Opcode({"OP_ID": "OP_TEST_DELAY", "duration": 1}),))
    source.locks = ([["cluster/BGL", [[[1, "/l", 2], "shared"]]]], [])
    answer = run_query(what, list(FIELDS[what]), None, source)
    assert answer["data"]
    assert all(
        status in range(5) and (status == 0) >= (value is not None) for row in answer["data"] for status, value in row
    )


def test_networks_count_addresses(source: FakeSource) -> None:
    source.config["networks"][uuid(5, 1)] = {
        "uuid": uuid(5, 1), "name": "net", "network": "192.0.2.0/29", "reservations": "01000000",
        "ext_reservations": "10000001", "serial_no": 1,
    }  # fmt: skip
    source.config["nodegroups"][uuid(2, 1)]["networks"] = {uuid(5, 1): {"mode": "bridged", "link": "br0"}}
    fields = ["free_count", "map", "reserved_count", "external_reservations", "group_list"]
    assert rows(source, "network", fields) == [
        [5, "XX.....X", 3, "192.0.2.0, 192.0.2.7", [["default", "bridged", "br0", "-"]]]
    ]


def delay(status: Status, **more: Any) -> Opcode:
    return Opcode({"OP_ID": "OP_TEST_DELAY", "duration": 0.001}, status, **more)


def test_jobs(source: FakeSource) -> None:
    log = (LogEntry(1, (5, 6), "message", "x"),)
    source.live = {
        2: Job(2, (delay(Status.RUNNING, log=log, priority=-3),), received_timestamp=(7, 8)),
        3: Job(3, (delay(Status.QUEUED),)),
    }
    source.archive = {1: Job(1, (delay(Status.SUCCESS),))}
    assert rows(source, "job", ["id", "status", "priority"]) == [[2, "running", -3], [3, "queued", 0]]
    assert rows(source, "job", ["id", "archived"]) == [[1, True], [2, False], [3, False]]
    assert rows(source, "job", ["id"], ["=", "id", 1]) == [[1]]
    assert rows(source, "job", ["summary"], ["=", "status", "running"]) == [[["TEST_DELAY(1.0e-3)"]]]
    assert rows(source, "job", ["id"], ["<", "received_ts", 8]) == [[2], [3]]
    assert run_query("job", ["id", "status"], ["=", "id", 99], source)["data"] == [[(0, 99), (3, None)]]
    with pytest.raises(QueryError, match="parsing job id: cannot parse string 'a'"):
        run_query("job", ["id"], ["=", "id", "a"], source)
    assert classic_query("job", [9999, 1], ["id", "status"], source) == [[9999, None], [1, "success"]]
    assert needs("job", ["id", "archived"]) == {"jobs", "archived"}


def test_locks(source: FakeSource) -> None:
    source.locks = (
        [
            ["node/a", [[[11, "/l11", 1], "exclusive"]]],
            ["cluster/BGL", [[[11, "/", 1], "shared"], [[12, "/", 2], "shared"]]],
        ],
        [[0, [12, "/l12", 2], [["node/a", "exclusive"], ["node/b", "shared"]]]],
    )
    assert rows(source, "lock", ["name", "mode", "owner", "pending"]) == [
        ["cluster/BGL", "shared", ["11", "12"], []],
        ["node/a", "exclusive", ["11"], [["exclusive", ["12"]]]],
        ["node/b", None, [], [["shared", ["12"]]]],
    ]
