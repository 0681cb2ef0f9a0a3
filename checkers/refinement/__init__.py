"""Refinement: checks that a TLA+ module and the executable specification are the same bounded system.

`compare` is generic: it explores both sides together and shows the first difference. `pairs` names the pairs and takes
the bounds from the module's configuration; `checkers.models` gives the executable side. Start with `pairs.refine`.
"""
