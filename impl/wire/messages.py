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

import re
import sys
from typing import Any

import msgspec

from spec.errors import GantryError, PeerError

MAX_NESTING = 64
"""Depth of arrays and objects in a request; deeper ones are refused before they are decoded."""

_SMALL = 1 << 16
_SAFE_RECURSION = 3000

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

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"{}[]"))


def nesting(payload: bytes) -> int:
    """Measure the JSON nesting depth of `payload`; 0 where it cannot exceed `MAX_NESTING`; of no JSON text, any bound.

    The innermost pairs are taken away, level by level: a few passes at the speed of `bytes.replace`.
    """
    if payload.count(b"[") + payload.count(b"{") <= MAX_NESTING:
        return 0
    rest = _STRINGS.sub(b"", payload).translate(_BRACKETS, _OTHERS)
    depth = 0
    while rest and depth <= MAX_NESTING:
        outer = rest.replace(b"[]", b"")
        if len(outer) == len(rest):
            return depth + len(rest)
        rest = outer
        depth += 1
    return depth


def decode_json(payload: bytes) -> Any:
    """Decode one JSON text.

    Raises:
        MalformedMessageError: invalid UTF-8, not JSON, or too deeply nested.
    """
    _look_at_nesting(payload)
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedMessageError(str(error)) from None
    except RecursionError:
        raise MalformedMessageError(f"nested deeper than {MAX_NESTING}") from None


def _look_at_nesting(payload: bytes) -> None:
    # The decoder recurses. With Python's own limit it raises in time; a process that raised the limit (for recursion of
    # its own) would let it run out of stack, so there even large texts, which take as long again, are looked at first.
    looked_at = len(payload) < _SMALL or sys.getrecursionlimit() > _SAFE_RECURSION
    if looked_at and nesting(payload) > MAX_NESTING:
        raise MalformedMessageError(f"nested deeper than {MAX_NESTING}")


def decode_request(payload: bytes) -> Request:
    """Decode a request.

    Raises:
        MalformedMessageError: it is not JSON, or has no `method` string and `args` list.
    """
    if payload.isascii():  # the decoder of requests skips other keys without a look at their UTF-8
        _look_at_nesting(payload)
        try:
            return _request_decoder.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            pass  # part by part, then, which can say what is wrong
    value = decode_json(payload)
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
        MalformedMessageError: it is no answer.
    """
    value = decode_json(payload)
    if not isinstance(value, dict) or not isinstance(value.get("success"), bool) or "result" not in value:
        raise MalformedMessageError("an answer is a JSON object with 'success' and 'result'")
    result = value["result"]
    if value["success"]:
        return result
    if isinstance(result, list) and len(result) == 2 and isinstance(result[0], str) and isinstance(result[1], list):
        raise PeerError(result[0], tuple(result[1]))
    raise PeerError("", (result,))
