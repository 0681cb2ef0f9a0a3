"""Pictures of graphs: DOT, the import graphs of packages, and drawing with graphviz-pure."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import networkx as nx

from docs.generator.sources import PACKAGES, Module, first_sentence

_FONT = "Helvetica"
COLOURS = {"spec": "#e3efdc", "impl": "#dbe8f5", "htools": "#fbeed5", "checkers": "#f3e0ec", "gantry": "#e8e6f4"}


class DrawingError(Exception):
    """A picture could not be drawn."""


def quoted(text: str) -> str:
    """Return a text as DOT writes it."""
    return json.dumps(text, ensure_ascii=False)


def draw(dot: str, file: Path) -> None:
    """Draw a graph in DOT into an SVG file.

    Raises:
        DrawingError: the text is no graph, or graphviz-pure is not there (`make docs` installs it).
    """
    program = Path(sys.executable).parent / "graphviz-pure"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [program, "-Tsvg", "-o", file], input=dot, text=True, encoding="utf-8", capture_output=True, check=False
        )
    except FileNotFoundError:
        raise DrawingError("graphviz-pure is not installed; 'make docs' installs it") from None
    if done.returncode != 0 or not file.is_file():
        raise DrawingError(f"{file.name}: {done.stderr.strip() or 'no picture was made'}")


def _attributes(**values: str | float) -> str:
    return "[" + ", ".join(f"{name}={quoted(str(value))}" for name, value in values.items()) + "]"


def head(*, across: bool = False) -> list[str]:
    """Return how every picture begins."""
    node = _attributes(
        shape="box",
        style="rounded,filled",
        fillcolor="#eef1f6",
        color="#7a869a",
        fontname=_FONT,
        fontsize=12,
        height=0.35,
        margin="0.2,0.07",
    )
    return [
        "digraph picture {",
        f"  rankdir={'LR' if across else 'TB'}; nodesep=0.3; ranksep=0.5; bgcolor=white; pad=0.1;",
        f"  node {node};",
        f"  edge {_attributes(color='#5c6777', fontname=_FONT, fontsize=10, arrowsize=0.7)};",
    ]


def short(graph: "nx.DiGraph[str]") -> "nx.DiGraph[str]":
    """Return the graph without the arrows that a longer path implies; circles stay as they are."""
    parts = nx.condensation(graph)
    reduced = nx.transitive_reduction(parts)
    kept: nx.DiGraph[str] = nx.DiGraph()
    kept.add_nodes_from(graph)
    where = parts.graph["mapping"]
    for source, target in graph.edges:
        if where[source] == where[target] or reduced.has_edge(where[source], where[target]):
            kept.add_edge(source, target)
    return kept


def dot_of(graph: "nx.DiGraph[str]", labels: Mapping[str, str], tips: Mapping[str, str], colour: str) -> str:
    """Return a graph of modules in DOT."""
    lines = head()
    for node in sorted(graph):
        tip = f", tooltip={quoted(tips[node])}" if tips.get(node) else ""
        lines.append(f"  {quoted(node)} [label={quoted(labels[node])}, fillcolor={quoted(colour)}{tip}];")
    lines += [f"  {quoted(source)} -> {quoted(target)};" for source, target in sorted(short(graph).edges)]
    return "\n".join([*lines, "}"])


def children(modules: Mapping[str, Module], package: str) -> list[str]:
    """Return the modules and packages that lie directly in a package."""
    depth = package.count(".") + 1
    return sorted(name for name in modules if name.startswith(package + ".") and name.count(".") == depth)


def child_graph(modules: Mapping[str, Module], package: str) -> "nx.DiGraph[str]":
    """Return who imports whom among the children of a package; a child package stands for all that is in it."""
    names = children(modules, package)

    def child_of(name: str) -> str | None:
        return next((child for child in names if name == child or name.startswith(child + ".")), None)

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    for module in modules.values():
        source = child_of(module.name)
        for imported in module.imports:
            target = child_of(imported)
            if source and target and source != target:
                graph.add_edge(source, target)
    return graph


def package_dot(modules: Mapping[str, Module], package: str) -> str:
    """Return the import graph of a package's children."""
    graph = child_graph(modules, package)
    top = package.partition(".")[0]
    inside = {name: sum(other.startswith(name + ".") for other in modules) for name in graph}
    labels = {
        name: name.rpartition(".")[2] + (f"\n{inside[name]} modules" if modules[name].is_package else "")
        for name in graph
    }
    return dot_of(graph, labels, {name: first_sentence(modules[name].doc) for name in graph}, COLOURS[top])


def overview_dot(modules: Mapping[str, Module]) -> str:
    """Return the five packages, and which imports which; an arrow's text says how many modules import how many."""
    lines = head()
    for package in PACKAGES:
        inside = [module for name, module in modules.items() if name.startswith(package + ".")]
        size = sum(module.source.count("\n") for module in inside)
        text = f"{package}\n{len(inside)} modules, {size:,} lines"
        lines.append(f"  {package} [label={quoted(text)}, fillcolor={quoted(COLOURS[package])}];")
    for source in PACKAGES:
        for target in PACKAGES:
            pairs = imports_between(modules, source, target)
            if source != target and pairs:
                text = f"{len({one for one, _ in pairs})} → {len({other for _, other in pairs})}"
                lines.append(f"  {source} -> {target} [label={quoted(' ' + text)}];")
    return "\n".join([*lines, "}"])


def imports_between(modules: Mapping[str, Module], source: str, target: str) -> set[tuple[str, str]]:
    """Return the pairs of modules of which the first, in one package, imports the second, in another."""
    return {
        (module.name, imported)
        for module in modules.values()
        if module.name.startswith(source + ".")
        for imported in module.imports
        if imported == target or imported.startswith(target + ".")
    }


def packages(modules: Mapping[str, Module], least: int = 3) -> Iterable[str]:
    """Return every package with enough children to be worth a picture, outer ones first."""
    names = sorted(name for name, module in modules.items() if module.is_package)
    return [name for name in names if len(children(modules, name)) >= least]
