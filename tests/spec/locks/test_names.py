"""Names of locks: their order, what implies what, how they are written on the wire and in error texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.locks.names import (
    BGL,
    CONFIG_LOCK,
    LEVEL_NAMES,
    Level,
    Lock,
    Mode,
    UnknownLevelError,
    UnknownLockError,
    UnknownModeError,
    described,
    implied,
    job,
    lock_name,
    lockset,
    other,
    parse_level,
    parse_lock,
    parse_mode,
)

IN_ORDER = [
    "cluster/[lockset]", "cluster/BGL",
    "instance/[lockset]", "instance/a", "instance/b",
    "nodegroup/[lockset]", "nodegroup/a",
    "node/[lockset]", "node/a",
    "node-res/[lockset]", "node-res/a",
    "network/[lockset]", "network/a",
    "cluster/config",
]  # fmt: skip


def test_locks_sort_by_level_then_lockset_then_name() -> None:
    assert sorted(IN_ORDER, key=parse_lock) == IN_ORDER


def test_modes_grow_stronger() -> None:
    assert Mode.RELEASE < Mode.SHARED < Mode.EXCLUSIVE


def test_owners_that_are_no_jobs_come_first() -> None:
    assert sorted([job(2), other("b"), job(10), other("a")]) == [other("a"), other("b"), job(2), job(10)]


def test_two_processes_of_one_job_are_two_owners() -> None:
    assert job(1, "/run/a", 10) != job(1, "/run/b", 11)


@pytest.mark.parametrize(
    ("name", "implies"),
    [
        ("node/a", "node/[lockset]"),
        ("cluster/BGL", "cluster/[lockset]"),
        ("node/[lockset]", None),
        ("cluster/config", None),
    ],
)
def test_a_lock_implies_its_lockset(name: str, implies: str | None) -> None:
    found = implied(parse_lock(name))
    assert (found and lock_name(found)) == implies


names = st.text(st.characters(blacklist_characters="/", codec="utf-8"), min_size=1).filter(lambda n: n != "[lockset]")
levels = st.sampled_from([level for level in Level if level not in {Level.CLUSTER, Level.CONFIG}])
locks = st.one_of(
    st.sampled_from([BGL, CONFIG_LOCK, lockset(Level.CLUSTER)]),
    st.builds(lockset, levels),
    st.builds(lambda level, name: Lock(level, 1, name), levels, names),
)


@given(locks)
def test_a_wire_name_reads_back(lock: Lock) -> None:
    assert parse_lock(lock_name(lock)) == lock


@pytest.mark.parametrize("name", ["", "node", "nodes/a", "cluster/a", "config/config", "Node/a"])
def test_an_unknown_lock_is_refused(name: str) -> None:
    with pytest.raises(UnknownLockError, match=r"^Unknown lock name '") as refused:
        parse_lock(name)
    assert refused.value.name == name


def test_levels_and_modes_read_back_and_unknown_ones_are_refused() -> None:
    assert [parse_level(name) for name in LEVEL_NAMES.values()] == list(Level)
    assert [parse_mode(name) for name in ("release", "shared", "exclusive")] == list(Mode)
    with pytest.raises(UnknownLevelError, match=r"^Unknown lock-level name 'rack'$"):
        parse_level("rack")
    with pytest.raises(UnknownModeError, match=r"^Unknown lock update request steal$"):
        parse_mode("steal")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cluster/BGL", "BGL"),
        ("cluster/config", "ConfigLock"),
        ("node/[lockset]", "NodeLockSet"),
        ("node-res/a", 'NodeRes "a"'),
        ('instance/a"b', 'Instance "a\\"b"'),
        ("instance/é1", 'Instance "\\233\\&1"'),
    ],
)
def test_error_texts_name_locks_as_ganeti_does(name: str, text: str) -> None:
    assert described(parse_lock(name)) == text
