"""Balancing: rounds of best moves, the twin of `spec.allocator.balance`, with its scores to the last bit.

Fast is `vector_search` (all candidates of a round in matrix products, bounds kept between rounds) and its special case
`class_search` (alike instances looked at once). `plain_search` serves few candidates, and models that vectors do not
represent exactly.
"""
