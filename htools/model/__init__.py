"""The working model: nodes' accounts, instances, moves and scores, changed in place. Twin of `spec.allocator`.

`node` is the twin of `accounts`, `ledgers` and `state`; `moves` of `moves`; `score` of `score`; `cluster` of `initial`;
`admission` compiles the table of `spec.allocator.admission` into one function a role. Score components come from
`spec.allocator.components`, divisions from `spec.allocator.arithmetic`.

`arrays` holds the nodes as a struct of arrays for the vectors of `htools.balance` and `htools.placement`.

Fast: a move changes attributes of mutable nodes, where the specification builds new states. The tools always use this
model; tests compare it with the specification.
"""
