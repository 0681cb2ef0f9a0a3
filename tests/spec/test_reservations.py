"""Temporary reservations: one owner an item, the smallest free minor, everything dropped together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.locks.names import job
from spec.reservations import (
    DuplicateReservationError,
    Reserved,
    allocate_minors,
    drop,
    release_minors,
    reserve,
)

MAC = "aa:bb:cc:00:00:01"


@pytest.mark.parametrize("again", [1, 2], ids=["the owner itself", "another owner"])
def test_an_item_is_reserved_once(again: int) -> None:
    state = reserve(Reserved(), "mac", MAC, job(1))
    with pytest.raises(
        DuplicateReservationError, match=r"^Duplicate reservation for resource '\"aa:bb:cc:00:00:01\"'$"
    ):
        reserve(state, "mac", MAC, job(again))
    assert state.items == {("mac", MAC, job(1))}


def test_a_volume_is_named_without_quotes() -> None:
    state = reserve(Reserved(), "lv", "xenvg/disk0", job(1))
    with pytest.raises(DuplicateReservationError, match=r"^Duplicate reservation for resource 'xenvg/disk0'$"):
        reserve(state, "lv", "xenvg/disk0", job(2))


def test_the_same_name_may_be_reserved_in_two_kinds() -> None:
    state = reserve(reserve(Reserved(), "mac", "x", job(1)), "lv", "x", job(2))
    assert len(state.items) == 2


def test_dropping_an_owner_frees_its_items_and_no_others() -> None:
    state = reserve(reserve(Reserved(), "mac", MAC, job(1)), "lv", "xenvg/disk0", job(2))
    assert drop(state, job(1)).items == {("lv", "xenvg/disk0", job(2))}
    reserve(drop(state, job(1)), "mac", MAC, job(3))


def test_minors_are_the_smallest_that_are_neither_used_nor_reserved() -> None:
    state, minors = allocate_minors(Reserved(), "disk1", ("n1", "n2"), in_use=frozenset({("n1", 0), ("n1", 2)}))
    assert minors == (1, 0)
    state, minors = allocate_minors(state, "disk2", ("n1",), in_use=frozenset({("n1", 0), ("n1", 2)}))
    assert minors == (3,)


def test_a_disk_gives_back_its_own_minors() -> None:
    state, _ = allocate_minors(Reserved(), "disk1", ("n1", "n2"))
    state, _ = allocate_minors(state, "disk2", ("n1", "n2"))
    assert release_minors(state, "disk1").minors == {("n1", 1, "disk2"), ("n2", 1, "disk2")}


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["n1", "n2"]), st.booleans()), max_size=12))
def test_no_two_disks_ever_have_one_minor(calls: list[tuple[int, str, bool]]) -> None:
    state = Reserved()
    for disk, node, release in calls:
        if release:
            state = release_minors(state, f"disk{disk}")
        else:
            state, _ = allocate_minors(state, f"disk{disk}", (node,))
        taken = [(node, minor) for node, minor, _ in state.minors]
        assert len(taken) == len(set(taken))
