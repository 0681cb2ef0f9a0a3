"""Liveness."""

from __future__ import annotations

from checkers.tla.errors import TlaUnsupportedError
from checkers.tla.explore import StateGraph, Violation
from checkers.tla.model import Model


def check_liveness(model: Model, graph: StateGraph, *, keep_going: bool) -> list[Violation]:
    """Check the temporal properties on the graph of states."""
    raise TlaUnsupportedError(f"temporal properties are not checked yet: {model.name} {len(graph.states)} {keep_going}")
