"""A checker for TLA+ in Python: parser, evaluator, breadth-first search, liveness.

`load(path).explore(config)` gives the graph of a specification's states to other programs; `gantry tla` is the
command. `docs/tla-subset.md` lists the supported part of the language and the differences from TLC.

Layers, top to bottom: `search` (exploring, liveness), `model` (module and configuration, compiled), `codegen` (TLA+ to
Python), `values` (run time) and `parse` (text to resolved expressions). Start with the example at the head of `api`.
"""

from checkers.tla.api import Edge, Graph, Specification, load, plain
from checkers.tla.errors import (
    Position,
    TlaConfigError,
    TlaError,
    TlaEvalError,
    TlaLimitError,
    TlaSemanticError,
    TlaSyntaxError,
    TlaUnsupportedError,
)

__all__ = [
    "Edge",
    "Graph",
    "Position",
    "Specification",
    "TlaConfigError",
    "TlaError",
    "TlaEvalError",
    "TlaLimitError",
    "TlaSemanticError",
    "TlaSyntaxError",
    "TlaUnsupportedError",
    "load",
    "plain",
]
