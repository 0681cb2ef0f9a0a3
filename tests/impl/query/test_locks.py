from typing import Any

from impl.query import run_query
from impl.query.locks import LockRow, lock_rows
from tests.impl.clusters import make_config
from tests.impl.query.fakes import FakeSource

ALICE, BOB = [7, "/livelocks/job_7", 107], ["tester", "/livelocks/tester", 108]
STATUS = (
    [["node/n2", [[ALICE, "shared"], [BOB, "shared"]]], ["node/n1", [[ALICE, "exclusive"]]], ["node/[lockset]", []]],
    [[0, BOB, [["node/n1", "shared"], ["node/n2", "release"]]], [5, ALICE, [["network/x", "exclusive"]]]],
)


def rows(*fields: str, qfilter: Any = None) -> list[list[Any]]:
    answer = run_query("lock", list(fields), qfilter, FakeSource(make_config(), locks=STATUS))
    return [[value for _, value in row] for row in answer["data"]]


def test_every_lock_that_is_held_or_waited_for_is_a_row() -> None:
    assert lock_rows(STATUS) == [
        LockRow("network/x", (), (("exclusive", "7"),)),
        LockRow("node/[lockset]", (), ()),
        LockRow("node/n1", (("7", "exclusive"),), (("shared", "tester"),)),
        LockRow("node/n2", (("7", "shared"), ("tester", "shared")), ()),
    ]


def test_modes_owners_and_pending_requests() -> None:
    found = rows("name", "mode", "owner", "pending", qfilter=["=~", "name", "^node/n"])
    assert [row[:2] for row in found] == [["node/n1", "exclusive"], ["node/n2", "shared"]]
    assert [row[2] for row in found] == [["7"], ["7", "tester"]]
    assert found[0][3] == [["shared", ["tester"]]]
    assert not found[1][3]


def test_a_lock_that_nobody_holds_has_no_mode() -> None:
    assert rows("mode", qfilter=["=", "name", "network/x"]) == [[None]]
