"""Sets of nodes that may be powered off or on together, and that may be rebooted together.

`squeeze` is the twin of `spec.allocator.squeeze`. Fast: sets that cannot work are refused without balancing, and sets
with a proof (`squeeze_proof`) are accepted; all others are balanced as specified. `reboot_groups` has no twin.
"""
