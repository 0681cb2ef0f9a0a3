"""The persistent sorted set against a plain one, and that older versions stay."""

from hypothesis import given
from hypothesis import strategies as st

from impl.locks.sortedset import SortedSet

numbers = st.integers(0, 2000)


@given(st.lists(st.tuples(st.booleans(), numbers), max_size=1500), numbers)
def test_it_does_what_a_sorted_list_does(changes: list[tuple[bool, int]], probe: int) -> None:
    plain: set[int] = set()
    clever: SortedSet[int] = SortedSet()
    for add, number in changes:
        older, size = clever, len(clever)
        clever = clever.add(number) if add else clever.discard(number)
        (plain.add if add else plain.discard)(number)
        assert len(older) == size
    assert list(clever) == sorted(plain)
    assert len(clever) == len(plain)
    assert (clever.first, clever.last) == (min(plain, default=None), max(plain, default=None))
    assert clever.after(probe) == min((number for number in plain if number > probe), default=None)
    assert (probe in clever) == (probe in plain)


@given(st.sets(numbers, max_size=1000), st.sets(numbers, max_size=1000), st.sets(numbers, max_size=1000))
def test_many_changes_at_once(start: set[int], added: set[int], removed: set[int]) -> None:
    older = SortedSet[int]().change(start, ())
    added = added - removed
    assert list(older.change(added, removed)) == sorted((start - removed) | added)
    assert list(older) == sorted(start)


def test_it_grows_and_shrinks_through_many_chunks() -> None:
    clever: SortedSet[int] = SortedSet()
    for number in range(5000, 0, -1):
        clever = clever.add(number)
    for number in range(1, 5000):
        clever = clever.discard(number)
    assert list(clever) == [5000]
    assert clever.discard(5000).first is None
