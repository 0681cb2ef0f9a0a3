"""Answers to iallocator requests, the twin of `spec.allocator.iallocator`.

Fast are placement by the score (`allocation`), evacuation and lost opportunities; what is left is answered by the
specification itself (`as_specified`).
"""
