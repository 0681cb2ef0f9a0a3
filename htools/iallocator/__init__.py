"""Answers to iallocator requests. The twin of `spec.allocator.iallocator`.

Fast: `allocation` places by the score with `htools.placement`, one by one below `htools.limits.ALLOCATION_CANDIDATES`.
All other requests are answered by the specification (`as_specified`), which calls `dedicated` for lost opportunities
and, from `htools.limits.CLUSTER_NODES` on, `fast_paths` for scores and `evacuation` for targets (from
`htools.limits.EVACUATION_TARGETS` on).
"""
