"""How many more instances fit. The twin of `spec.allocator.capacity`.

Fast: `fill` places with `htools.placement.vector_placer`, and `tiers` tries many sizes of an instance at once. Both are
always used; `vector_placer` itself tries candidates one by one where its arrays do not represent the model.
"""
