"""Batches of changes: joined in order, and empty only without any; errors that say what to do."""

from dataclasses import fields

import pytest

from impl.config.model import Change
from impl.store.port import Batch, HeldChange, StoreError, StoreUnusableError, WaitingChange
from spec.locks.names import Mode, job, parse_lock

NODE = parse_lock("node/n1")
PARTS: dict[str, list[object]] = {
    "held": [HeldChange(job(1), NODE, Mode.SHARED)],
    "waiting": [WaitingChange(job(1), None, 3)],
    "config": [Change("nodes", "u1", b"{}")],
    "reservations": ["a reservation"],
}


def test_every_part_of_a_batch_has_a_sample() -> None:
    assert [field.name for field in fields(Batch)] == list(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_one_change_of_any_kind_makes_a_batch(name: str) -> None:
    assert not Batch()
    assert Batch(**{name: PARTS[name]})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PARTS)
def test_changes_follow_in_order(name: str) -> None:
    later: list[object] = ["later"]
    first, second = Batch(**{name: list(PARTS[name])}), Batch(**{name: later})  # type: ignore[arg-type]
    first.add(second)
    assert getattr(first, name) == [*PARTS[name], "later"]
    first.add(Batch())
    assert {other: len(getattr(first, other)) for other in PARTS} == {other: 2 * (other == name) for other in PARTS}
    assert later == ["later"]


def test_errors_say_what_to_do() -> None:
    assert StoreError("disk full").reason == "disk full"
    assert str(StoreError("disk full")).endswith("was undone (disk full): free or repair the disk")
    unusable = StoreUnusableError("/s.db", "malformed")
    assert (unusable.path, unusable.reason) == ("/s.db", "malformed")
    assert str(unusable).startswith("cannot use the store /s.db (malformed): ")
