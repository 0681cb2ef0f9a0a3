import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.wire.messages import (
    MalformedMessageError,
    Request,
    decode_answer,
    decode_request,
    encode_error,
    encode_malformed,
    encode_request,
    encode_result,
    nesting,
)
from spec.errors import PeerError


def test_request_round_trip_and_unknown_keys() -> None:
    assert decode_request(encode_request("echo", ("ä",))) == Request("echo", ("ä",))
    assert decode_request(b'{"method":"m","args":[1],"version":2}') == Request("m", (1,))


@pytest.mark.parametrize(
    "payload",
    [b"", b"nonsense", b"[]", b"{}", b'{"method":1,"args":[]}', b'{"method":"x"}', b'{"method":"x","args":{}}',
     b'{"method":"\xff","args":[]}', b'{"method":"x","args":' + b"[" * 100 + b"]" * 100 + b"}"],
)  # fmt: skip
def test_what_is_no_request_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        decode_request(payload)


@pytest.mark.parametrize("limit", [1000, 200_000])
def test_very_deep_nesting_is_refused_not_fatal(limit: int) -> None:
    """Also in a process that raised Python's limit, where the decoder would run out of stack."""
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(limit)
        refuse_deep()
    finally:
        sys.setrecursionlimit(before)


def refuse_deep() -> None:
    with pytest.raises(MalformedMessageError):
        decode_request(b'{"method":"x","args":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_brackets_in_strings_do_not_nest() -> None:
    text = "[" * 200 + '\\"'
    assert decode_request(encode_request("echo", (text,))).args == (text,)


def test_answers() -> None:
    assert decode_answer(encode_result({"a": []})) == {"a": []}
    with pytest.raises(PeerError) as caught:
        decode_answer(encode_error("LockError", "x", 1))
    assert (caught.value.error_class, caught.value.arguments) == ("LockError", ("x", 1))
    with pytest.raises(PeerError, match="no sense"):
        decode_answer(encode_malformed("no sense"))
    with pytest.raises(MalformedMessageError):
        decode_answer(b"[]")


NESTED: st.SearchStrategy[object] = st.recursive(
    st.builds(list), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2)
)


@given(NESTED)
def test_nesting_is_the_depth(value: object) -> None:
    wide = [value, *([[]] * 70)]
    assert nesting(json.dumps(wide).encode()) == depth(wide)


def depth(value: object) -> int:
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0)
