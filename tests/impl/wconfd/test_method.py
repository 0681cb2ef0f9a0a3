"""How wconfd reads the arguments of its methods, in Ganeti's words where they are wrong."""

from typing import Any

import pytest

from impl.wconfd.method import UnknownMethodError, locks, names, optional, read_arguments, seconds
from impl.wconfd.methods import DAEMON_METHODS, DRAWING, METHODS
from impl.wire.wconfd import InputError, integer, text
from spec.locks.names import parse_lock


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "Unable to read ()"), (1, "Unable to read 1 tuple"), (2, "Unable to read Pair"), (3, "Unable to read 3 arg")],
)
def test_a_wrong_number_of_arguments(count: int, said: str) -> None:
    readers = (integer,) * count
    assert read_arguments("m", readers, (1,) * count) == [1] * count
    with pytest.raises(InputError) as refused:
        read_arguments("m", readers, (1,) * (count + 1))
    assert said in str(refused.value)


def test_readers_of_lists_and_of_what_may_be_missing() -> None:
    assert optional(text)(None) is None
    assert optional(text)("a") == "a"
    assert names(["a", "b"]) == ["a", "b"]
    assert locks(["node/n1", "node/n1"]) == {parse_lock("node/n1")}
    for read, value in ((optional(text), 1), (names, ["a", 1]), (names, "ab"), (locks, ["nonsense"])):
        with pytest.raises(InputError):
            read(value)


@pytest.mark.parametrize("value", [-1, 1e9, True, "1", None, float("nan")])
def test_what_is_no_time_to_wait(value: Any) -> None:
    with pytest.raises(InputError, match="Unable to read seconds"):
        seconds(value)
    assert (seconds(0), seconds(1.5)) == (0.0, 1.5)


def test_no_method_is_in_two_tables_and_those_that_draw_are_methods() -> None:
    assert not METHODS.keys() & DAEMON_METHODS.keys()
    assert METHODS.keys() >= DRAWING
    assert str(UnknownMethodError("x")) == "No such method: x"
