"""Requests and answers inside the frames. Pure.

Request: `{"method": M, "args": [...]}`, other keys ignored. Answer: `{"success": bool, "result": X}`; a failed
one carries `["ErrorClass", [args...]]`, or a plain string for a message that could not be understood at all.

>>> encode_request("QueryTags", ("cluster", ""))
b'{"method":"QueryTags","args":["cluster",""]}'
>>> decode_request(b'{"method": "QueryTags", "args": ["cluster", ""]}').args
('cluster', '')
>>> decode_answer(encode_result(["prod"]))
['prod']
>>> decode_answer(encode_error("OpPrereqError", "Instance name web9 not found", "unknown_entity"))
Traceback (most recent call last):
spec.errors.PeerError: OpPrereqError: Instance name web9 not found, unknown_entity
"""

from typing import Any

import msgspec

from impl.bounds import check_text, check_value, has_long_numbers
from impl.limits import MAX_ANSWER_DEPTH, MAX_REQUEST_DEPTH, LimitError
from spec.errors import GantryError, PeerError

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class MalformedMessageError(GantryError):
    """A message is no valid request or answer; `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"malformed message: {reason}")


class Request(msgspec.Struct, frozen=True):
    """One call of a method."""

    method: str
    args: tuple[Any, ...]


_request_decoder = msgspec.json.Decoder(Request)


def _decode(payload: bytes, depth: int) -> Any:
    """Decode one JSON text.

    Raises:
        MalformedMessageError: invalid UTF-8, or not JSON.
        LimitError: nested too deeply, too many elements, or a number that is too large to be one.
    """
    check_text(payload, depth)
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError as error:  # of a value of any type: a number that is none here
        raise LimitError(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedMessageError(str(error)) from None


def decode_request(payload: bytes) -> Request:
    """Decode a request: the gate that each one passes.

    Its arguments are within the limits of `impl.limits` for any value; the readers of a method's arguments see to
    their types and ranges. What is decoded here can be encoded, and decoded again.

    Raises:
        MalformedMessageError: it is not JSON, or has no `method` string and `args` list.
        LimitError: it exceeds a limit.
    """
    request = _decode_usual(payload) or _decode_any(payload)
    if has_long_numbers(payload):
        check_value(request.args, MAX_REQUEST_DEPTH)
    return request


def _decode_usual(payload: bytes) -> Request | None:
    """Decode a request in one go; None if that cannot be, and its parts must show what is wrong."""
    if not payload.isascii():  # the decoder of requests skips other keys without a look at their UTF-8
        return None
    check_text(payload, MAX_REQUEST_DEPTH)
    try:
        return _request_decoder.decode(payload)
    except msgspec.DecodeError:
        return None


def _decode_any(payload: bytes) -> Request:
    value = _decode(payload, MAX_REQUEST_DEPTH)
    if not isinstance(value, dict):
        raise MalformedMessageError("a request is a JSON object with 'method' and 'args'")
    method, args = value.get("method"), value.get("args")
    if not isinstance(method, str):
        raise MalformedMessageError("'method' is missing or no string")
    if not isinstance(args, list):
        raise MalformedMessageError("'args' is missing or no list")
    return Request(method, tuple(args))


def encode_request(method: str, args: tuple[Any, ...]) -> bytes:
    """Encode a call as JSON text."""
    return _encoder.encode({"method": method, "args": args})


def encode_result(result: Any) -> bytes:
    """Encode a successful answer as JSON text."""
    return _encoder.encode({"success": True, "result": result})


def encode_error(error_class: str, *arguments: Any) -> bytes:
    """Encode a failed call's answer as JSON text."""
    return _encoder.encode({"success": False, "result": [error_class, arguments]})


def encode_malformed(text: str) -> bytes:
    """Encode as JSON text the answer to a message that was no request."""
    return _encoder.encode({"success": False, "result": text})


def decode_answer(payload: bytes) -> Any:
    """Return the result that an answer carries.

    Raises:
        PeerError: the call failed.
        MalformedMessageError: it is no answer, or too deep a one.
    """
    try:
        value = _decode(payload, MAX_ANSWER_DEPTH)
    except LimitError as error:
        raise MalformedMessageError(error.reason) from None
    if not isinstance(value, dict) or not isinstance(value.get("success"), bool) or "result" not in value:
        raise MalformedMessageError("an answer is a JSON object with 'success' and 'result'")
    result = value["result"]
    if value["success"]:
        return result
    if isinstance(result, list) and len(result) == 2 and isinstance(result[0], str) and isinstance(result[1], list):
        raise PeerError(result[0], tuple(result[1]))
    raise PeerError("", (result,))
