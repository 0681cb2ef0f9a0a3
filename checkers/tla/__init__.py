"""A checker for TLA+ in Python: parser, evaluator, breadth-first search, liveness.

`load(path).explore(config)` gives the graph of a specification's states to other programs; `gantry tla` is the
command. What of the language is supported, and how the checker differs from TLC, stands in `docs/tla-subset.md`.
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
