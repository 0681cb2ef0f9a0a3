"""A dict that goes back to what it was, beside a copy."""

from hypothesis import given
from hypothesis import strategies as st

from impl.queue.recorded import Recorded

CHANGES = st.lists(st.tuples(st.sampled_from(["set", "del", "pop", "pop or"]), st.integers(0, 4), st.integers()))


def change(jobs: dict[int, int], kind: str, key: int, value: int) -> None:
    if kind == "set":
        jobs[key] = value
    elif kind == "pop or":
        jobs.pop(key, None)
    elif key in jobs and kind == "del":
        del jobs[key]
    elif key in jobs:
        jobs.pop(key)


@given(CHANGES, CHANGES)
def test_it_is_again_what_it_was(before: list[tuple[str, int, int]], after: list[tuple[str, int, int]]) -> None:
    jobs: Recorded[int] = Recorded()
    plain: dict[int, int] = {}
    for one in before:
        change(jobs, *one)
        change(plain, *one)
    jobs.begin()
    assert jobs == plain
    for one in after:
        change(jobs, *one)
    copied = jobs.copy()
    assert copied == jobs
    jobs.undo()
    jobs.undo()
    assert jobs == plain
