"""New instances: which nodes can take one, and which is best. The twin of `spec.allocator.placement`.

`outcomes` and `one_by_one` are the twins of `spec.allocator.candidates` and `statistics`, `redundancy` that of
`spec.allocator.redundancy`; `admission` evaluates the table of `spec.allocator.admission` for all nodes.

Fast: `vector_placer` tries all candidates of an instance at once, in arrays; `vector_pairs` does so for pairs of nodes.
`plain_placer` tries them one by one; hail uses it below `htools.limits.ALLOCATION_CANDIDATES`, where importing numpy
takes longer. `vector_placer` itself calls `one_by_one` for what its arrays do not represent (`arrays.Unsuitable`).
"""
