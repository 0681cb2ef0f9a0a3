from hypothesis import given
from hypothesis import strategies as st

from impl.cluster.names import NameIndex, matches, natural_key


def test_names_sort_as_people_read_them() -> None:
    names = ["node10", "node2", "node", "node2a", "a1b10", "a1b9", "network6", "network"]
    assert sorted(names, key=natural_key) == [
        "a1b9", "a1b10", "network", "network6", "node", "node2", "node2a", "node10"
    ]  # fmt: skip


def test_names_with_thousands_of_digits_sort_as_numbers() -> None:
    nine, ten = "n" + "9" * 5000, "n1" + "0" * 5000
    assert sorted([ten, nine, "n2", "n02", "n" + "0" * 6000 + "1"], key=natural_key) == [
        "n" + "0" * 6000 + "1", "n02", "n2", nine, ten
    ]  # fmt: skip


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_runs_of_digits_compare_as_numbers(first: int, second: int) -> None:
    assert (natural_key(f"n{first}") < natural_key(f"n{second}")) == (first < second)


@given(st.lists(st.text(alphabet="ab19.", max_size=6)), st.text(alphabet="ab19.", max_size=6))
def test_the_index_finds_what_comparing_each_name_finds(names: list[str], wanted: str) -> None:
    index = NameIndex({name: name for name in names})
    found = {name for name in names if matches(name, wanted)}
    if wanted in found:
        assert index.lookup(wanted) == wanted
    else:
        assert index.lookup(wanted) == (found.pop() if len(found) == 1 else None)
