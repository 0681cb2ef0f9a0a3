r"""The checker as a library: load a specification, explore it, get states as ordinary Python values.

>>> import os, tempfile
>>> text = "---- MODULE Clock ----\nEXTENDS Naturals\nVARIABLE hour\nInit == hour = 0\n"
>>> text += "Next == hour' = (hour + 1) % 3\n====\n"
>>> with tempfile.TemporaryDirectory() as folder:
...     path = os.path.join(folder, "Clock.tla")
...     with open(path, "w") as file:
...         _ = file.write(text)
...     graph = load(path).explore("INIT Init NEXT Next")
>>> list(graph.states)
[{'hour': 0}, {'hour': 1}, {'hour': 2}]
>>> [(edge.source, edge.action, edge.target) for edge in graph.edges]
[(0, 'Next', 1), (1, 'Next', 2), (2, 'Next', 0)]
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from checkers.tla.errors import TlaConfigError
from checkers.tla.limits import allow_recursion
from checkers.tla.model.build import build
from checkers.tla.model.config import Config, parse_config, read_config
from checkers.tla.model.model import Model
from checkers.tla.parse.modules import Loader
from checkers.tla.parse.syntax import Module
from checkers.tla.search.check import Outcome, check
from checkers.tla.search.state_graph import Options, StateGraph
from checkers.tla.values.values import Domain, ModelValue, Value, is_sequence


def plain(value: Value) -> Any:
    """Convert a TLA+ value to ordinary Python: sets to frozensets, sequences to tuples, other functions to mappings.

    Model values become their names. Functions in a set that are not sequences become `FrozenMapping`s.
    """
    kind = value.__class__
    if kind is ModelValue:
        return value.name
    if kind is frozenset:
        return frozenset(map(plain, value))
    if kind is tuple:
        if is_sequence(value):
            return tuple(map(plain, value))
        over = value[0]
        assert over.__class__ is Domain
        return FrozenMapping({plain(key): plain(item) for key, item in zip(over.keys, value[1:], strict=True)})
    return value


class FrozenMapping(Mapping[Any, Any]):
    """A mapping that can be an element of a set; equal to a dict of the same items."""

    def __init__(self, items: dict[Any, Any]) -> None:
        self._items = MappingProxyType(items)
        self._hash = hash(frozenset(items.items()))

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self._items) == dict(other)

    def __repr__(self) -> str:
        return f"FrozenMapping({dict(self._items)!r})"


class Edge(NamedTuple):
    """A transition: numbers of states, and the action's name."""

    source: int
    action: str
    target: int


@dataclass
class Graph:
    """The explored states and transitions of a model.

    Attributes:
        outcome: verdict, figures and violations of the search.
        variables: names of the variables.
    """

    model: Model
    outcome: Outcome
    variables: tuple[str, ...]

    @property
    def _graph(self) -> StateGraph:
        assert self.outcome.graph is not None
        return self.outcome.graph

    def __len__(self) -> int:
        return len(self._graph.states)

    def state(self, number: int) -> dict[str, Any]:
        """Return a state as a mapping from variable names to plain values."""
        values = map(plain, self._graph.states[number])
        return dict(zip(self.variables, values, strict=True))

    @property
    def states(self) -> Iterator[dict[str, Any]]:
        """All states, in the order in which they were found; their numbers count from 0."""
        return (self.state(number) for number in range(len(self)))

    @property
    def initial(self) -> range:
        """The numbers of the initial states."""
        return range(self._graph.initial_count)

    @property
    def edges(self) -> Iterator[Edge]:
        """All transitions of the graph; an action that can make one step in two ways gives one edge."""
        return (Edge(*edge) for edge in self._graph.edges())


class Specification:
    """A parsed module that can be explored under one configuration or another."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.loader = Loader([os.path.dirname(self.path) or "."])
        self.module: Module = self.loader.load_file(self.path)

    def config(self, config: str | os.PathLike[str] | Config | None) -> Config:
        """Read a configuration from a path, from text (several words), or (None) from the file beside the module."""
        if isinstance(config, Config):
            return config
        if config is None:
            return read_config(self._own_config())
        text = os.fspath(config)
        if not os.path.exists(text) and len(text.split()) > 1:
            return parse_config(text)
        return read_config(text)

    def _own_config(self) -> str:
        """Find the configuration with the module's name; for a module `MCSpec`, that of `Spec` serves too.

        Raises:
            TlaConfigError: when there is none.
        """
        folder, name = os.path.split(os.path.splitext(self.path)[0])
        own = os.path.join(folder, f"{name}.cfg")
        bounded = os.path.join(folder, f"{name.removeprefix('MC')}.cfg")
        if os.path.exists(own) or not os.path.exists(bounded):
            return own
        return bounded

    def _advice(self, error: TlaConfigError) -> TlaConfigError:
        """Add to the error of an unfit configuration the module that it may have been written for."""
        folder, name = os.path.split(self.path)
        bounded = os.path.join(folder, f"MC{name}")
        if os.path.exists(bounded):
            error.detail += f"; if it was written for {bounded}, check that module instead"
        return error

    def model(self, config: str | os.PathLike[str] | Config | None = None) -> Model:
        """Compile the module with a configuration.

        Raises:
            TlaError: when they do not fit together.
        """
        allow_recursion()
        chosen = self.config(config)
        try:
            return build(self.module, self.loader, chosen)
        except TlaConfigError as error:
            raise self._advice(error) from error

    def explore(self, config: str | os.PathLike[str] | Config | None = None, options: Options | None = None) -> Graph:
        """Explore the graph of reachable states, with labelled edges.

        Args:
            config: a path, the text of a configuration, or None for the `.cfg` beside the module.
            options: bounds of the search; without them it goes on after violations, which `outcome` lists.

        Raises:
            TlaError: when the specification cannot be explored.
        """
        chosen = self.config(config)
        model = self.model(chosen)
        options = options or Options(check_deadlock=chosen.check_deadlock, keep_going=True)
        options.keep_edges = True
        outcome = check(model, options)
        for violation in outcome.violations:
            if violation.error is not None:
                raise violation.error
        return Graph(model, outcome, model.variables)


def load(path: str | os.PathLike[str]) -> Specification:
    """Read a specification and the modules that it uses.

    Raises:
        TlaSyntaxError: text that is not TLA+.
        TlaSemanticError: names, arities or levels that do not fit, or parts of TLA+ that are not supported.
    """
    allow_recursion()
    return Specification(path)
