from hypothesis import given
from hypothesis import strategies as st

from htools.model.instance import InstanceModel
from htools.model.moves import Planned
from htools.plan.commands import job_sets
from spec.allocator import squeeze
from spec.allocator.decisions import Move, MoveKind
from spec.allocator.example import instance

PAIRS = st.lists(st.integers(0, 6), min_size=2, max_size=2, unique=True)


def planned(index: int, before: list[int], after: list[int], *, mirrored: bool) -> Planned:
    """A move of an instance from one pair of nodes to another; on shared storage only the primaries count."""
    at, to = (InstanceModel(index, instance(*(nodes if mirrored else nodes[:1]))) for nodes in (before, after))
    return Planned(Move(index, MoveKind.FAILOVER), at, to, 0.0, 0.0)


@given(st.lists(st.tuples(PAIRS, PAIRS, st.booleans()), max_size=12))
def test_job_sets_are_cut_as_specified(moves: list[tuple[list[int], list[int], bool]]) -> None:
    plan = [planned(at, before, after, mirrored=drbd) for at, (before, after, drbd) in enumerate(moves)]
    touched = [tuple(sorted({*before, *after} if drbd else {before[0], after[0]})) for before, after, drbd in moves]
    assert tuple(tuple(p.move.instance for p in jobs) for jobs in job_sets(plan)) == squeeze.job_sets(touched)
