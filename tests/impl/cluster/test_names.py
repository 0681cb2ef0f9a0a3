from hypothesis import given
from hypothesis import strategies as st

from impl.cluster.names import NameIndex, matches, natural_key


def test_names_sort_as_people_read_them() -> None:
    names = ["node10", "node2", "node", "node2a", "a1b10", "a1b9", "network6", "network"]
    assert sorted(names, key=natural_key) == [
        "a1b9", "a1b10", "network", "network6", "node", "node2", "node2a", "node10"
    ]  # fmt: skip


@given(st.lists(st.text(alphabet="ab19.", max_size=6)), st.text(alphabet="ab19.", max_size=6))
def test_the_index_finds_what_comparing_each_name_finds(names: list[str], wanted: str) -> None:
    index = NameIndex({name: name for name in names})
    found = {name for name in names if matches(name, wanted)}
    if wanted in found:
        assert index.lookup(wanted) == wanted
    else:
        assert index.lookup(wanted) == (found.pop() if len(found) == 1 else None)
