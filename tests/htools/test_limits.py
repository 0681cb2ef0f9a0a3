"""The sizes from which vectors pay are the ones that the searches read."""

from htools import limits
from htools.balance import class_search, vector_search
from htools.iallocator import allocation, evacuation, fast_paths


def test_each_size_is_read_where_it_decides() -> None:
    assert vars(vector_search)["SMALL"] == limits.PAIRS_WITHOUT_BOUNDS
    assert vars(class_search)["LIMIT"] == limits.PAIRS_OF_CLASSES
    assert vars(allocation)["PLAIN_BELOW"] == limits.ALLOCATION_CANDIDATES
    assert vars(fast_paths)["PLAIN_BELOW"] == limits.CLUSTER_NODES
    assert vars(evacuation)["PLAIN_BELOW"] == limits.EVACUATION_TARGETS
