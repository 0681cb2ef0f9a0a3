"""Sizes at which another way of reckoning is the quicker one. Answers are the same on both sides.

Each was measured; below them (or up to them, where it says so) the plainer way is taken.
"""

BALANCING_CANDIDATES = 8000
"""Below this, trying candidates one by one takes less than importing numpy: the measured limit.

What is reckoned is the candidates of all rounds, as if every instance moved once, four ways to each target and once
without, times the nodes that each one's score looks at.
"""

PAIRS_WITHOUT_BOUNDS = 20_000
"""Pairs of instance and target up to which all candidates are scored in every round: one block, no bookkeeping."""

PAIRS_OF_CLASSES = 60_000
"""Pairs of row and target up to which scoring all of them in a round is quicker than keeping bounds."""

ALLOCATION_CANDIDATES = 600
"""Candidates below which vectors do not pay for loading their library."""

CLUSTER_NODES = 24
"""Nodes of a cluster below which vectors do not pay."""

EVACUATION_TARGETS = 24
"""Targets below which vectors do not pay."""
