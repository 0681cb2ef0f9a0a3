"""Queries against Ganeti's luxid: the same fields, the same answers on the same configuration, the same refusals."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.daemons import daemons, ganeti_missing
from impl.paths import Root
from impl.query import FIELDS, FilterSyntaxError, QueryError, query_fields, run_query
from impl.query.classic import query_cluster_info
from impl.wire.client import Client
from spec.errors import PeerError
from tests.impl.query.fakes import FakeSource

pytestmark = [pytest.mark.ganeti, pytest.mark.long, pytest.mark.xdist_group("ganeti")]

OURS_ALONE = {"vcs_version"}
FILTERS: list[Any] = [
    None, ["=", "name", "vm"], ["=", "name", "node2"], ["=", "name", "nosuch"], ["!=", "name", "vm"], ["?", "offline"],
    ["?", "name"], ["=~", "name", "^n"], ["=[]", "tags", "x"], ["=[]", "name", "x"], ["<", "serial_no", 4],
    ["<", "name", 4], ["=~", "serial_no", "x"], ["zz", "name", "x"], ["=", "name"], [], ["&"], ["|"],
    ["!", ["?", "offline"]], "x", ["=", "offline", True], ["=", "zz", 1], ["=", "tags", "x"], ["=[]", "tags", 1],
    ["|", ["=", "name", "vm"], ["=", "name", "node3"]], ["&", ["?", "offline"], [">", "pinst_cnt", 0]], ["?"],
]  # fmt: skip


@pytest.fixture(scope="module")
def ganeti() -> Iterator[Root]:
    missing = ganeti_missing()
    if missing is not None:
        pytest.skip(missing)
    with daemons(ganeti=True) as root:
        yield root


@pytest.fixture
def client(ganeti: Root) -> Iterator[Client]:
    with Client(ganeti.luxi_socket) as found:
        yield found


@pytest.fixture
def source(ganeti: Root) -> FakeSource:
    return FakeSource(json.loads(Path(ganeti.config).read_text(encoding="utf-8")))


@pytest.mark.parametrize("what", FIELDS)
def test_names_titles_and_kinds(client: Client, what: str) -> None:
    def definitions(answer: Any) -> list[tuple[str, str, str]]:
        return [(field["name"], field["title"], field["kind"]) for field in answer["fields"]]

    assert definitions(query_fields(what)) == definitions(client.call("QueryFields", what, None))


@pytest.mark.parametrize("what", ["node", "group", "network", "instance"])
def test_answers(client: Client, source: FakeSource, what: str) -> None:
    fields = [name for name in FIELDS[what] if name not in {"ctime", "mtime"}]  # Ganeti rounds times
    theirs = client.call("Query", what, fields, None)["data"]
    assert json.loads(json.dumps(run_query(what, fields, None, source)["data"])) == theirs


def test_the_cluster(client: Client, source: FakeSource) -> None:
    ours = json.loads(json.dumps(query_cluster_info(source.view)))
    theirs = client.call("QueryClusterInfo")
    assert {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)} <= OURS_ALONE


@pytest.mark.parametrize("qfilter", FILTERS, ids=json.dumps)
def test_filters(ganeti: Root, source: FakeSource, qfilter: Any) -> None:
    with Client(ganeti.luxi_socket) as client:  # Ganeti hangs up after a malformed request
        try:
            theirs: Any = client.call("Query", "node", ["name"], qfilter)["data"]
        except PeerError as error:
            theirs = [error.error_class, list(error.arguments)]
    try:
        ours: Any = json.loads(json.dumps(run_query("node", ["name"], qfilter, source)["data"]))
    except QueryError as error:
        ours = [error.error_class, list(error.arguments)]
    except FilterSyntaxError as error:
        query_text = json.dumps(["node", ["name"], qfilter])
        ours = ["", [f"Failed to parse request: Cannot convert value '{query_text}', error: {error.reason}"]]
    assert ours == theirs
