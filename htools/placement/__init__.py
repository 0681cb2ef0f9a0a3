"""New instances: which nodes can take one and which is best. The twin of `spec.allocator.placement` and its neighbours.

`redundancy` answers to `spec.allocator.redundancy`. Fast is `vector_placer`, which tries all candidates at once; few
candidates are tried one by one (`one_by_one`, `plain_placer`), since numpy takes longer to load.
"""
