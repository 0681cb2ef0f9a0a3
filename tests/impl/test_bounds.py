"""The looks at a JSON text and at a value: what they find, and that their cost is linear whatever they are given."""

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.bounds import check_text, check_value, has_long_numbers, nesting
from impl.limits import LimitError

BRACKETED = st.text(alphabet='[]{}"\\x,', max_size=20)
NESTED: st.SearchStrategy[object] = st.recursive(
    st.builds(list) | BRACKETED,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(BRACKETED, inner, max_size=2),
)


@given(NESTED)
def test_nesting_is_the_depth(value: object) -> None:
    assert nesting(json.dumps(value).encode(), 100) == depth(value)


def depth(value: object) -> int:
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0)


@given(NESTED, st.integers(0, 6))
def test_a_value_and_its_text_are_as_deep(value: object, limit: int) -> None:
    text = json.dumps(value).encode()
    assert refuses(lambda: check_value(value, limit)) == refuses(lambda: check_text(text, limit))


def refuses(check: Callable[[], None]) -> bool:
    try:
        check()
    except LimitError:
        return True
    return False


@given(st.text(alphabet='[]{}"\\', max_size=40))
def test_a_text_that_is_no_json_is_at_least_as_deep_as_where_it_stops(text: str) -> None:
    """The decoder recurses up to the first mistake, so the count must reach that far."""
    stack, inside, escaped, deepest = 0, False, False, 0
    for letter in text:
        if inside:
            inside = escaped or letter != '"'
            escaped = not escaped and letter == "\\"
        elif letter == '"':
            inside = True
        elif letter in "[{":
            stack += 1
            deepest = max(deepest, stack)
        elif letter in "]}" and stack:
            stack -= 1
        else:
            break  # the mistake
    assert nesting(text.encode(), 100) >= deepest


def quotes(size: int) -> bytes:
    return b"[" * 65 + b'"' + b'\\"' * (size // 2)


def pairs(size: int) -> bytes:
    return (b"[" * 64 + b"]" * 64) * (size // 128)


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "escaped quotes in a text without end": quotes,
    "backslashes": lambda size: b"[" * 65 + b'"' + b"\\" * size,
    "quotes": lambda size: b"[" * 65 + b'"' * size,
    "texts with brackets": lambda size: b"[" * 65 + b'"[",' * (size // 4),
    "opening brackets": lambda size: b"[" * size,
    "nested brackets": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "brackets as deep as is allowed": pairs,
    "digits": lambda size: b"1" * size,
    "almost long numbers": lambda size: (b"1" * 19 + b",") * (size // 20),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_look_is_linear_whatever_the_text(name: str) -> None:
    """Eight times the size costs at most some sixteen times as much; a quadratic look would cost sixty-four times."""
    small, large = HOSTILE[name](1 << 16), HOSTILE[name](1 << 19)
    assert cost(large) < 24 * cost(small) + 1e-3


def cost(text: bytes) -> float:
    """Return the processor seconds of a look, the least of five."""
    found = []
    for _ in range(5):
        began = time.process_time()
        refuses(lambda: check_text(text, 64))
        has_long_numbers(text)
        found.append(time.process_time() - began)
    return min(found)
