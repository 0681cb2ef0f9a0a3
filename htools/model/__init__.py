"""The working model: nodes' accounts, instances, moves, scores. It changes in place; twins of `spec.allocator`.

`node` answers to `accounts`, `ledgers` and `state`, `moves` to `moves`, `score` to `score`, `cluster` to `initial`.
Accounts are kept as sums that a move changes, where the specification adds them up anew. Always used.
"""
