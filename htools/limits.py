"""Sizes that decide how something is computed. The answers are the same on both sides, where it does not say otherwise.

Three kinds: sizes at which another algorithm becomes the faster one, sizes of the blocks that vectors work on, and the
largest figures that vectors hold exactly. The first two were measured.
"""

# -- below these (or up to them, where it says so) the plainer algorithm is used --------------------------------------

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

EXPLAINED_PAIRS = 2500
"""Pairs of nodes up to which a refused placement's redundancy is explained; above, the answer leaves it out."""

# -- blocks -----------------------------------------------------------------------------------------------------------

CANDIDATES_AT_A_TIME = 10_000
"""Candidate moves of a kind that are scored at a time: with their columns they stay in the processor's caches."""

ROWS_REFRESHED = 48
"""Rows of candidate moves refreshed at a time when kept bounds must be made tight."""

PRIMARIES_AT_A_TIME = 128
"""Primaries of a new instance's pairs at a time; so many keep the arrays in the processor's caches."""

SIZES_TIMES_CANDIDATES = 1 << 19
"""Candidates of several sizes of an instance that are tried together, so that memory stays small."""

SIZES_AHEAD = 512
"""Sizes of an instance that tiered allocation tries together at most."""

VALUES_AT_A_TIME = 1 << 18
"""Nodes' values that the scores of an evacuation are added up from at a time, to stay in the processor's caches."""

# -- exactness: other models are computed by the plain functions ------------------------------------------------------

LARGEST_SIZE = 2.0**50
"""Upper limit of a node's sizes for balancing in vectors."""

LARGEST_TOTAL = 2.0**52
"""Upper limit of what all instances need together for balancing in vectors, so that every sum of sizes is exact."""

LARGEST_EXACT = 2.0**53
"""Upper limit of a node's figures for placement in vectors: whole numbers below it are doubles."""
