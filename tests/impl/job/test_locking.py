from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.cluster.view import ClusterView
from impl.job import locking
from impl.job.locking import ALL, Op, Selector, covers, declare, encode, take
from spec.locks.names import BGL, Level, Lock, Mode, lockset, parse_lock
from tests.impl.clusters import make_config, uuid

N1, N2, GROUP = uuid(1, 1), uuid(1, 2), uuid(2, 1)
OP = {"instance_name": "web1"}


@pytest.fixture
def view() -> ClusterView:
    return ClusterView(make_config(instances={"web1.example.com": (1, 2), "web2": (3, None)}))


def fixed(*names: str) -> Selector:
    def select(_: Op, __: ClusterView) -> Iterable[str]:
        return names

    return select


def test_the_stronger_mode_wins_and_the_big_lock_is_shared(view: ClusterView) -> None:
    takes = [take(Level.NODE, Mode.EXCLUSIVE, fixed("a")), take(Level.NODE, Mode.SHARED, fixed("a", "b"))]
    found = declare(takes, OP, view)
    assert found == {
        BGL: Mode.SHARED, parse_lock("node/a"): Mode.EXCLUSIVE, parse_lock("node/b"): Mode.SHARED
    }  # fmt: skip
    assert declare([], OP, view, bgl=Mode.EXCLUSIVE) == {BGL: Mode.EXCLUSIVE}


def test_everything_of_a_level_is_its_lockset(view: ClusterView) -> None:
    found = declare([take(Level.NODE, Mode.SHARED, fixed("a"), locking.everything)], OP, view)
    assert found == {BGL: Mode.SHARED, lockset(Level.NODE): Mode.SHARED}


def test_the_request_is_in_lock_order(view: ClusterView) -> None:
    wanted = declare(
        [take(Level.NODE, Mode.EXCLUSIVE, fixed("a")), take(Level.INSTANCE, Mode.SHARED, fixed("i"))], OP, view
    )
    assert encode(wanted) == [["cluster/BGL", "shared"], ["instance/i", "shared"], ["node/a", "exclusive"]]


locks = st.dictionaries(
    st.sampled_from([lockset(Level.NODE), Lock(Level.NODE, 1, "a"), Lock(Level.NODE, 1, "b")]),
    st.sampled_from([Mode.SHARED, Mode.EXCLUSIVE]),
)


@given(locks, locks)
def test_what_is_held_covers_what_each_single_lock_covers(held: dict[Lock, Mode], wanted: dict[Lock, Mode]) -> None:
    whole = held.get(lockset(Level.NODE), Mode.RELEASE)
    assert covers(held, wanted) == all(
        max(held.get(lock, Mode.RELEASE), whole) >= mode for lock, mode in wanted.items()
    )
    assert covers(held, {})
    assert covers(held, held)


def test_selectors_of_an_instance(view: ClusterView) -> None:
    assert list(locking.instance_named(OP, view)) == ["web1.example.com"]
    assert list(locking.instance_named({"instance_name": "new"}, view)) == ["new"]
    assert list(locking.instance_nodes(OP, view)) == [N1, N2]
    assert set(locking.instance_groups(OP, view)) == {GROUP}
    assert set(locking.group_nodes(OP, view)) == {uuid(1, number) for number in (1, 2, 3, 4)}


def test_selectors_of_nodes_and_groups(view: ClusterView) -> None:
    select = locking.node_named("one", "many", "none")
    assert list(select({"one": "node1", "many": ["node2", N1]}, view)) == [N1, N2, N1]
    assert list(locking.group_named()({"group_name": "default"}, view)) == [GROUP]
    assert [list(locking.group_named("g")(op, view)) for op in ({}, {"g": "nobody"})] == [[], []]
    assert list(locking.master({}, view)) == [N1]


def test_a_selector_by_condition(view: ClusterView) -> None:
    def wants_all(op: Op, _: ClusterView) -> bool:
        return bool(op.get("all"))

    either = locking.where(wants_all, locking.everything, fixed("a"))
    assert [list(either(op, view)) for op in ({"all": True}, {})] == [[ALL], ["a"]]
    assert list(locking.where(wants_all, locking.everything)({}, view)) == []
