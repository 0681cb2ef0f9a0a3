import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.limits import MAX_ANSWER_DEPTH, MAX_INTEGER_DIGITS, MAX_MESSAGE_ELEMENTS, MAX_REQUEST_DEPTH, LimitError
from impl.wire.messages import (
    MalformedMessageError,
    Request,
    decode_answer,
    decode_request,
    encode_error,
    encode_malformed,
    encode_request,
    encode_result,
)
from spec.errors import PeerError


def test_request_round_trip_and_unknown_keys() -> None:
    assert decode_request(encode_request("echo", ("ä",))) == Request("echo", ("ä",))
    assert decode_request(b'{"method":"m","args":[1],"version":2}') == Request("m", (1,))


@pytest.mark.parametrize(
    "payload",
    [b"", b"nonsense", b"[]", b"{}", b'{"method":1,"args":[]}', b'{"method":"x"}', b'{"method":"x","args":{}}',
     b'{"method":"\xff","args":[]}'],
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
    with pytest.raises(LimitError):
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


def test_an_answer_may_be_deeper_than_a_request_and_hold_larger_numbers() -> None:
    def answer(levels: int) -> bytes:
        return b'{"success":true,"result":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    assert decode_answer(answer(MAX_ANSWER_DEPTH))
    assert decode_answer(encode_result(10**30)) == 10**30
    with pytest.raises(MalformedMessageError, match="nested deeper"):
        decode_answer(answer(MAX_ANSWER_DEPTH + 1))


def around(value: bytes) -> bytes:
    return b'{"method":"m","args":[' + value + b"]}"


def deep(levels: int, filling: bytes = b"") -> bytes:
    """Return a request that is nested so deeply, with something between its brackets."""
    return around(b"[" * (levels - 2) + filling + b"]" * (levels - 2))


@pytest.mark.parametrize("filling", [b"", b'"%s"' % (b"x" * (1 << 17))], ids=["small", "above 64 KB"])
def test_the_depth_of_a_request_is_bounded_whatever_its_size(filling: bytes) -> None:
    assert decode_request(deep(MAX_REQUEST_DEPTH, filling)).method == "m"
    with pytest.raises(LimitError, match=f"^nested deeper than {MAX_REQUEST_DEPTH}$"):
        decode_request(deep(MAX_REQUEST_DEPTH + 1, filling))


def test_brackets_in_strings_cannot_hide_depth() -> None:
    """Closing brackets within strings, escaped quotes and backslashes before quotes do not lower the count."""
    for filler in (b'"]]]]"', rb'"\\"', rb'"\"]]"', rb'"\\\"]]"', b'"[","]]"'):
        nested = b'{"method":"m","args":' + (b"[" + filler + b",") * 70 + b"1" + b"]" * 70 + b"}"
        json.loads(nested)
        with pytest.raises(LimitError):
            decode_request(nested)


def test_the_number_of_elements_is_bounded() -> None:
    with pytest.raises(LimitError, match="elements"):
        decode_request(around(b"0," * MAX_MESSAGE_ELEMENTS + b"0"))


@pytest.mark.parametrize(
    "number", [b"1" * 20, b"-" + b"1" * 20, b"9" * 4300, b"9" * 5000, b"1e400", b"1" * 400 + b".5"]
)
def test_a_number_beyond_the_limit_is_refused_and_not_rounded(number: bytes) -> None:
    with pytest.raises(LimitError):
        decode_request(around(b'{"a":[' + number + b"]}"))


def test_digits_in_texts_and_fractions_are_no_large_numbers() -> None:
    args = decode_request(around(b'"%s",0.%s,%s' % (b"1" * 30, b"1" * 30, b"9" * MAX_INTEGER_DIGITS))).args
    assert args == ("1" * 30, float("0." + "1" * 30), 10**MAX_INTEGER_DIGITS - 1)


JSON: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON)
def test_whatever_is_decoded_can_be_encoded_and_decoded_again(value: object) -> None:
    try:
        first = decode_request(around(json.dumps(value).encode())).args
    except LimitError:
        return
    assert decode_answer(encode_result([first])) == [list(first)]
    assert decode_request(encode_request("m", first)).args == first
