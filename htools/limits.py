"""Sizes at which another algorithm becomes the faster one. The answers are the same on both sides.

Each size was measured. Below it (or up to it, where it says so) the plainer algorithm is used.
"""

BALANCING_CANDIDATES = 8000
"""Below this, trying candidates one by one takes less time than importing numpy.

The estimate is: candidates of all rounds (every instance moves once; each round tries four kinds of move for each
target and one without a target) times the nodes that a score reads.
"""

PAIRS_WITHOUT_BOUNDS = 20_000
"""Pairs of instance and target up to which every round scores all candidates in one block, without kept bounds."""

PAIRS_OF_CLASSES = 60_000
"""Pairs of row and target up to which scoring all of them in every round is faster than keeping bounds."""

ALLOCATION_CANDIDATES = 600
"""Ordered pairs of nodes below which a new instance is placed faster without importing numpy."""

CLUSTER_NODES = 24
"""Nodes of a cluster below which iallocator requests are answered faster as specified than with vectors."""

EVACUATION_TARGETS = 24
"""Targets of an evacuation below which vectors are slower than trying one target after the other."""
