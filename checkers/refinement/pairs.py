"""Pairs of a TLA+ module and an executable specification, and their common bounds.

The bounds are those of the module's configuration: its constants are evaluated and passed to the executable side, so
that both always have the same bounds.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checkers.models import jobs_world, locks_world, store
from checkers.refinement.compare import Difference, Module, System, compare, plain, split
from checkers.tla import Specification, load
from checkers.tla import plain as plain_value
from checkers.tla.model.expression import evaluate
from checkers.verdict import Verdict
from spec.errors import GantryError

DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tla")
"""The directory of the source tree's TLA+ modules."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """A pair to compare.

    Attributes:
        module: the file of the module, or of the one that sets its bounds.
        constants: the constants that are the bounds.
        system: the executable side within such bounds.
    """

    module: str
    constants: tuple[str, ...]
    system: Callable[[Mapping[str, Any]], System[Any]]


def _locks(constants: Mapping[str, Any]) -> System[Any]:
    bounds = locks_world.bounds_of(constants)
    return System(locks_world.initial(bounds), locks_world.System(bounds).successors, locks_world.state_value(bounds))


def _jobs(constants: Mapping[str, Any]) -> System[Any]:
    bounds = jobs_world.bounds_of(constants)
    return System(jobs_world.initial(bounds), jobs_world.System(bounds).successors, jobs_world.state_value)


def _store(constants: Mapping[str, Any]) -> System[Any]:
    bounds = store.bounds_of(constants)
    return System(store.initial(bounds), store.System(bounds).successors, store.state_value(bounds))


REFINEMENTS = {
    "locks": Refinement(
        "MCLocks.tla",
        (
            "Owners", "Locks", "Requests", "Priorities", "Wishes", "Levels", "Keeps", "Mortal", "Rounds", "Upgrades",
            "Fair",
        ),
        _locks,
    ),
    "jobs": Refinement(
        "Jobs.tla",
        (
            "MaxId", "Opcodes", "Priorities", "Accepts", "SlotChoices", "Forces", "Events", "Backlog", "MaxKills",
            "MaxCrashes",
        ),
        _jobs,
    ),
    "store": Refinement(
        "Store.tla", ("MaxChange", "Targets", "MaxFailures", "MaxCrashes", "MaxLosses"), _store
    ),
}  # fmt: skip


def configurations(name: str, directory: str = DIRECTORY, *, weekly: bool = False) -> list[str]:
    """List the configurations for comparison, `MODULE.refine*.cfg`, in the order of their names.

    Args:
        name: `locks`, `jobs` or `store`.
        directory: where the TLA+ modules are.
        weekly: whether to list those that take minutes (`MODULE.refine.weekly*.cfg`), or the others.

    Raises:
        NoModelsError: there is no such directory.
    """
    stem = REFINEMENTS[name].module.removeprefix("MC").removesuffix(".tla") + ".refine"
    try:
        entries = sorted(os.listdir(directory))
    except OSError as error:
        raise NoModelsError(directory) from error
    found = [entry for entry in entries if entry.startswith(stem) and entry.endswith(".cfg")]
    return [os.path.join(directory, entry) for entry in found if (".weekly" in entry) == weekly]


class NoModelsError(GantryError):
    """The TLA+ modules are missing; `directory` is where they were searched."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        super().__init__(
            f"there are no TLA+ modules in {directory}: name the tla/ folder of the source tree with --tla"
        )


def constants_of(specification: Specification, config: str, names: Iterable[str]) -> dict[str, Any]:
    """Evaluate a module's constants under a configuration."""
    chosen = specification.config(config)
    module = specification.module.name
    return {name: plain_value(evaluate(name, specification.loader, [module], chosen)) for name in names}


def explored(specification: Specification, config: str) -> Module:
    """Explore a module under a configuration; return its graph with labels separated from states.

    Raises:
        TlaError: it cannot be explored.
    """
    graph = specification.explore(config)
    found = graph.outcome.graph
    if found is None:
        return Module(frozenset(), {})
    # most states share the values of most variables
    known: dict[tuple[int, Any], Any] = {}

    def value(place: int, raw: Any) -> Any:
        key = (place, raw)
        if key not in known:
            known[key] = plain(plain_value(raw))
        return known[key]

    states = ({name: value(place, raw) for place, (name, raw) in enumerate(zip(graph.variables, state, strict=True))}
              for state in found.states)  # fmt: skip
    edges = ((source, target) for source in range(len(found.states)) for target in found.successors(source))
    return split(states, edges, graph.initial)


def refine(
    name: str,
    config: str,
    *,
    directory: str = DIRECTORY,
    system: Callable[[Mapping[str, Any]], System[Any]] | None = None,
) -> Verdict[Difference]:
    """Return whether a module and its executable specification are the same system within a configuration's bounds.

    Args:
        name: `locks`, `jobs` or `store`.
        config: the path of a configuration in which `KeepLabels` is TRUE.
        directory: where the TLA+ modules are.
        system: the executable side, if not the specification's (tests plant bugs here).

    Raises:
        TlaError: the module or its configuration cannot be explored.
        NoLabelError: the module keeps no labels.
    """
    refinement = REFINEMENTS[name]
    specification = load(os.path.join(directory, refinement.module))
    constants = constants_of(specification, config, refinement.constants)
    module = explored(load(os.path.join(directory, refinement.module)), config)
    return compare(module, (system or refinement.system)(constants))
