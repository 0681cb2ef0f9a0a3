"""Balancing: rounds of best moves. The twin of `spec.allocator.balance`, with the same scores to the last bit.

Fast: `vector_search` scores all candidates of a round in matrix products and keeps bounds between rounds;
`class_search` does so for instances on shared storage, equal ones once. `admission` evaluates the conditions of
`spec.allocator.admission` in arrays; the components are those of `spec.allocator.components`.

`plain_search` is used below `htools.limits.BALANCING_CANDIDATES`, and for models that vectors do not represent exactly
(`arrays.representable`). `rounds.search_for` chooses.
"""
