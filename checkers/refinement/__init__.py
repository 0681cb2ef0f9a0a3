"""Refinement: whether a TLA+ module and the executable specification are the same system."""
