"""LUXI's queries and wrong requests, drawn at random: Ganeti's luxid and ours answer alike.

They are fresh ones for each commit (`tests.budget`). Not compared: descriptions of fields, the quoted request in
refusals, and how JSON objects, fractions and regular expressions' faults are printed within error texts. Field names
are strings here: Ganeti takes a list of letters for one.
"""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bench.daemons import daemons, ganeti_missing
from impl.query import FIELDS
from impl.wire.client import Client, UnreachableError
from spec.errors import PeerError
from tests import budget

pytestmark = [pytest.mark.ganeti, pytest.mark.long, pytest.mark.xdist_group("ganeti")]

COUNT = 1500
OUR_FIELDS = {"problem"}
"""Fields that Ganeti does not have."""
TIMES = re.compile(r"(^|[._])(ts|ctime|mtime|timestamp)$|^op(start|exec|end|log)|^ops$|reason_trail|^error$")
VALUES: list[Any] = [
    "vm", "node2", "nosuch", "node.*", "^n", "", "x", "1", "default", "success", "error", 1, 0, -1, 1.5, 2.0, -2.5,
    2**40, True, False, None, [], {}, ["ab"],
]  # fmt: skip
METHODS: dict[str, int] = {
    "QueryJobs": 2, "QueryNodes": 3, "QueryInstances": 3, "QueryGroups": 3, "QueryNetworks": 3, "QueryExports": 2,
    "QueryFilters": 2, "ReplaceFilter": 6, "DeleteFilter": 1, "QueryTags": 2, "QueryConfigValues": 1, "Query": 3,
    "QueryFields": 2, "WaitForJobChange": 5, "CancelJob": 1, "ChangeJobPriority": 2, "ArchiveJob": 1, "SubmitJob": 1,
    "AutoArchiveJobs": 2, "SubmitManyJobs": 1, "SetWatcherPause": 1, "PickupJob": 1, "NoSuch": 0,
}  # fmt: skip
REFUSED = "Failed to parse request"


class Draw:
    """Draws requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *values: Any) -> Any:
        return self.random.choice(values)

    def filter(self, what: str, depth: int = 0) -> Any:
        form = self.random.random()
        if depth < 3 and form < 0.3:
            return [self.pick("&", "|"), *(self.filter(what, depth + 1) for _ in range(self.random.randrange(4)))]
        if depth < 3 and form < 0.4:
            return ["!", *(self.filter(what, depth + 1) for _ in range(self.pick(1, 1, 1, 1, 0, 2)))]
        field = self.pick(*self.fields(what), "name", "id", "uuid", "nosuch")
        if form < 0.5:
            return ["?", field]
        test = [self.pick("=", "=", "!=", "<", ">", "<=", ">=", "=~", "=[]", "==", "zz"), field, self.pick(*VALUES)]
        if test[0] == "=~":
            test[2] = self.pick("vm", "^n", "node.*", "", 1, None)
        cut = self.random.random()
        if cut < 0.05:
            return test[: self.random.randrange(3)] if cut < 0.03 else [*test, 1]
        return self.pick(*VALUES) if cut < 0.07 else test

    @staticmethod
    def fields(what: str) -> list[str]:
        return [name for name in sorted(FIELDS[what]) if not TIMES.search(name) and name not in OUR_FIELDS]

    def query(self) -> list[Any]:
        what = self.pick(*FIELDS)
        names = self.fields(what)
        return [what, self.random.sample(names, min(2, len(names))), self.filter(what)]

    def request(self) -> tuple[str, list[Any]]:
        method = self.pick(*METHODS)
        count = METHODS[method] + (self.pick(-1, 1, 2) if self.random.random() < 0.15 else 0)
        opcodes = [{"OP_ID": "OP_TEST_DELAY", "duration": -1, "reason": []}]
        arguments = [["id"], ["name"], [1], ["vm"], ["nosuch"], [["x"]], {"a": 1}, opcodes, [[]], 999_999, "999999"]
        args = [self.pick(*VALUES, *arguments) for _ in range(max(count, 0))]
        if method == "WaitForJobChange" and len(args) == 5:
            args[4] = self.pick("x", -1, 0, None, [])
        if method in {"Query", "QueryFields"} and args:
            args[0] = self.pick(*FIELDS, args[0])
        return method, args


def ask(path: str, method: str, args: list[Any]) -> Any:
    try:
        with Client(path, 30) as client:
            return client.call(method, *args)
    except PeerError as error:
        return [f"error {error.error_class}", list(error.arguments)]
    except UnreachableError:
        return ["hung up", []]


def comparable(answer: Any) -> Any:
    """Return the parts of an answer that are compared."""
    if isinstance(answer, dict):
        return {key: comparable(value) for key, value in answer.items() if key != "doc"}
    if isinstance(answer, list):
        return [comparable(value) for value in answer]
    if not isinstance(answer, str):
        return answer
    text = re.sub(r"(?s)Cannot convert value '.*', error: |this is no query: ", "", re.sub(r"\s+", " ", answer))
    if "{" in text and text.startswith(("Invalid", "Unexpected", "Cannot convert")):
        return text.partition("{")[0]
    return re.sub(r"(?<![\w.])(-?\d+)\.0(?!\d)", r"\1", text)


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[str, str]]:
    missing = ganeti_missing()
    if missing is not None:
        pytest.skip(missing)
    with daemons(ganeti=True) as ganeti, daemons(ganeti=False) as ours:
        for root in (ganeti, ours):
            with Client(root.luxi_socket) as client:
                for duration in (0.001, -1.0):
                    op = {"OP_ID": "OP_TEST_DELAY", "duration": duration, "on_master": False, "no_locks": True}
                    job = client.call("SubmitJob", [{"reason": [], **op}])
                    previous: Any = None
                    while previous not in (["success"], ["error"]):
                        previous = client.call("WaitForJobChange", job, ["status"], previous, 10**6, 20)[0]
        yield ganeti.luxi_socket, ours.luxi_socket


def test_queries(both: tuple[str, str]) -> None:
    draw = Draw(budget.seed())
    for _ in range(COUNT):
        args = draw.query()
        theirs, ours = (comparable(ask(path, "Query", args)) for path in both)
        assert ours == theirs, json.dumps(args)


def test_wrong_requests(both: tuple[str, str]) -> None:
    """What Ganeti cannot read, ours refuses too, but for more arguments than are needed; and ours lives on."""
    draw = Draw(budget.seed() + 1)
    for _ in range(COUNT):
        method, args = draw.request()
        theirs, ours = (ask(path, method, args) for path in both)
        message = f"{method} {json.dumps(args)}: {theirs} / {ours}"
        assert "ProgrammerError" not in str(ours), message
        if isinstance(theirs, list) and theirs[:1] == ["error "]:
            assert method == "PickupJob" or str(ours).startswith("['error "), message
    assert ask(both[1], "QueryConfigValues", [["cluster_name"]]) != ["hung up", []]
