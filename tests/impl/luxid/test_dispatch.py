"""From a message to its answer: every kind of error on the wire, and whether the connection stays open."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from impl.luxid.arguments import RequestError
from impl.luxid.dispatch import AnswerError, LuxidStoppedError, answer
from impl.luxid.queue_errors import QueueFullDiskError
from impl.query import FilterSyntaxError, QueryError
from impl.wire.client import UnreachableError
from impl.wire.messages import encode_request
from spec.errors import PeerError

LOG: list[tuple[str, dict[str, Any]]] = []


def ask(payload: bytes, error: BaseException | None = None) -> tuple[Any, bool, bool]:
    """What `method` answers if it raises: the result, whether it succeeded, whether the connection stays."""

    async def method(args: Sequence[Any]) -> Any:
        if error is not None:
            raise error
        return list(args)

    def log(text: str, **facts: Any) -> None:
        LOG.append((text, facts))

    LOG.clear()
    data, stays = asyncio.run(answer(payload, {"M": method}, log))
    found = msgspec.json.decode(data)
    return found["result"], found["success"], stays


def test_a_result() -> None:
    assert ask(encode_request("M", (1, "ä"))) == ([1, "ä"], True, True)


@pytest.mark.parametrize(
    ("error", "error_class", "said"),
    [
        (AnswerError("OpPrereqError", "no", "wrong_input"), "OpPrereqError", ["no", "wrong_input"]),
        (QueryError("ParameterError", "no"), "ParameterError", ["no"]),
        (PeerError("LockError", ("no", 5)), "LockError", ["no", 5]),
        (PeerError("", ("plain",)), "GenericError", ["plain"]),
        (QueueFullDiskError("full"), "JobQueueError", [str(QueueFullDiskError("full"))]),
        (LuxidStoppedError(), "JobQueueError", ["luxid is stopping: connect again when it runs"]),
        (UnreachableError("/s", "away"), "GenericError", [str(UnreachableError("/s", "away"))]),
    ],
)
def test_a_refusal_has_a_class_and_leaves_the_connection_open(
    error: BaseException, error_class: str, said: list[Any]
) -> None:
    assert ask(encode_request("M", ()), error) == ([error_class, said], False, True)
    assert LOG == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RequestError("Unable to read Int"), "Failed to parse request: Unable to read Int"),
        (FilterSyntaxError("Unable to read list"), "Failed to parse request: this is no query: Unable to read list"),
    ],
)
def test_what_cannot_be_understood_is_answered_in_plain_text_and_ends_the_connection(
    error: BaseException, said: str
) -> None:
    assert ask(encode_request("M", ()), error) == (said, False, False)


def test_what_is_no_request_and_unknown_methods_end_the_connection() -> None:
    text, good, stays = ask(b"{")
    assert (text.startswith("Failed to parse request: "), good, stays) == (True, False, False)
    text, good, stays = ask(encode_request('N"o', ()))
    assert text.endswith('Invalid string value for type LuxiReq: "N\\"o"')
    assert (good, stays) == (False, False)


def test_a_failure_within_luxid_is_answered_and_logged() -> None:
    (error_class, said), good, stays = ask(encode_request("M", ("secret",)), ZeroDivisionError("x"))
    assert (error_class, good, stays) == ("ProgrammerError", False, True)
    assert "ZeroDivisionError" in said[0]
    assert LOG == [("request failed", {"error": "ZeroDivisionError('x')", "method": "M"})]


@pytest.mark.parametrize("argument", [b"[" * 70 + b"]" * 70, b"1" * 300, b"1e999"])
def test_a_request_beyond_a_limit_is_refused_and_the_connection_stays(argument: bytes) -> None:
    (error_class, said), good, stays = ask(b'{"method":"M","args":[' + argument + b"]}")
    assert (error_class, good, stays) == ("GenericError", False, True)
    assert said[0].startswith("request refused: ")
    assert LOG == []
