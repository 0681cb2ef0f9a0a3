"""Writes the graph of states for Graphviz or as JSON."""

from __future__ import annotations

import json
from typing import IO

from checkers.tla.search.state_graph import StateGraph
from checkers.tla.values.show import show


def _label(graph: StateGraph, number: int) -> str:
    pairs = zip(graph.model.variables, graph.states[number], strict=True)
    return "\n".join(f"/\\ {name} = {show(value)}" for name, value in pairs)


def _dot_quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\l")
    return f'"{escaped}"'


def write_dot(graph: StateGraph, file: IO[str]) -> None:
    """Write the graph in the language of Graphviz; initial states are filled."""
    file.write("strict digraph states {\n  node [shape=box, fontname=monospace]\n")
    for number in range(len(graph.states)):
        style = ", style=filled" if number < graph.initial_count else ""
        file.write(f"  {number} [label={_dot_quote(_label(graph, number) + chr(10))}{style}]\n")
    for source, action, target in graph.edges():
        file.write(f"  {source} -> {target} [label={_dot_quote(action)}]\n")
    file.write("}\n")


def write_json(graph: StateGraph, file: IO[str]) -> None:
    """Write the graph as one JSON object: `variables`, `initial`, `states` (TLA+ texts) and `edges`."""
    json.dump(
        {
            "variables": list(graph.model.variables),
            "initial": list(range(graph.initial_count)),
            "states": [[show(value) for value in state] for state in graph.states],
            "edges": [{"source": s, "action": a, "target": t} for s, a, t in graph.edges()],
        },
        file,
        indent=1,
    )
    file.write("\n")
