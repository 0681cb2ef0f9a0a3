"""Sets of nodes: which may be powered off or on together, and which may be rebooted together.

`squeeze` is the twin of `spec.allocator.squeeze`; sets that could never work are refused without balancing.
"""
