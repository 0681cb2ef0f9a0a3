"""Checks with z3 that the moves which balancing offers are exactly those that the rule allows.

The rule describes what a move *does*: its steps, the nodes that each fail-over leaves and reaches, and what the flags
forbid. The code is called for every combination of mirror type, drain state and flags; the table of the moves that it
offers becomes a formula, and z3 decides whether it is equivalent to the rule. Works on any function that offers moves.

Source: man hbal(1) on --no-disk-moves, --no-instance-moves, --restricted-migration, --evac-mode, --exclude-instances.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import z3

from spec.allocator.cluster import (
    AllocPolicy,
    Cluster,
    DiskTemplate,
    Group,
    Instance,
    InstanceStatus,
    Node,
)
from spec.allocator.decisions import Move, MoveKind, Rules, Settings

FLAGS = (
    "disk_moves", "instance_moves", "restricted", "evacuation", "balanced", "chosen", "same_group",
    "primary_drained", "secondary_drained", "target_drained",
)  # fmt: skip
"""What the moves offered may depend on, besides the mirror type. A drained node is one that is offline to balancing.

`balanced`: the instance is one that balancing may move; `chosen`: the command line does not exclude it; `same_group`:
the second node is in the group that is balanced."""

MIRRORS = {"none": DiskTemplate.PLAIN, "external": DiskTemplate.RBD, "internal": DiskTemplate.DRBD}

PLACES = ("primary", "secondary", "target", "stranger")
"""The nodes of a situation. Only a DRBD instance has a secondary; for others the second node is like the third. The
stranger is online, but in another group."""

NOWHERE = ""
"""The target of a fail-over without one."""

STEPS: dict[MoveKind, tuple[str, ...]] = {
    MoveKind.FAILOVER: ("primary>secondary",),
    MoveKind.FAILOVER_TO_ANY: ("primary>target",),
    MoveKind.REPLACE_SECONDARY: ("replace",),
    MoveKind.REPLACE_AND_FAILOVER: ("replace", "primary>target"),
    MoveKind.REPLACE_PRIMARY: ("primary>secondary", "replace", "secondary>target"),
    MoveKind.FAILOVER_AND_REPLACE: ("primary>secondary", "replace"),
}
"""The steps of each kind: a replacement of the secondary, or an instance leaving one node for another."""

Offer = tuple[MoveKind, str]
"""A kind of move and the place that it names as target."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One combination: the mirror type and the flags by name."""

    mirror: str
    flags: dict[str, bool]

    def rules(self) -> Rules:
        """Return the flags of the command line."""
        return Rules(
            disk_moves=self.flags["disk_moves"],
            instance_moves=self.flags["instance_moves"],
            restricted_migration=self.flags["restricted"],
            evacuation=self.flags["evacuation"],
        )

    def settings(self) -> Settings:
        """Return what the command line says about instances."""
        return Settings(fixed=frozenset(() if self.flags["chosen"] else (0,)))

    def cluster(self) -> Cluster:
        """Return an instance on the first of four nodes; the first group is balanced."""
        groups = (Group("g", "u", AllocPolicy.PREFERRED), Group("h", "v", AllocPolicy.PREFERRED))
        away = (0, 0 if self.flags["same_group"] else 1, 0, 1)
        nodes = tuple(
            Node(name, group, 8192.0, 0, 8192, 99999.0, 99999, 8.0, offline=self.flags.get(f"{name}_drained", False))
            for name, group in zip(PLACES, away, strict=True)
        )
        template = MIRRORS[self.mirror]
        secondary = 1 if template is DiskTemplate.DRBD else None
        vm = Instance("i", 512, 1024, 1, InstanceStatus.RUNNING, auto_balance=self.flags["balanced"], primary=0,
                      secondary=secondary, disk_template=template)  # fmt: skip
        return Cluster(groups, nodes, (vm,))


def offer(move: Move) -> Offer:
    """Return a move as the table stores it."""
    return move.kind, NOWHERE if move.target is None else PLACES[move.target]


Offers = Callable[[Situation], frozenset[Offer]]
"""A function that offers moves in a situation."""

Table = tuple[tuple[Situation, frozenset[Offer]], ...]
"""What is offered in every situation."""


def situations() -> Iterator[Situation]:
    """Yield every combination."""
    for mirror in MIRRORS:
        for values in product((False, True), repeat=len(FLAGS)):
            yield Situation(mirror, dict(zip(FLAGS, values, strict=True)))


def table_of(offers: Offers) -> Table:
    """Make the table of the moves offered in every situation."""
    return tuple((situation, offers(situation)) for situation in situations())


def _receives(place: str, mirror: Any, flag: dict[str, Any]) -> Any:
    """Return the formula under which a place is a target: an online node of the group, and not one of the instance."""
    if place == "target":
        return z3.Not(flag["target_drained"])
    if place == "secondary":
        return z3.And(mirror != z3.StringVal("internal"), flag["same_group"], z3.Not(flag["secondary_drained"]))
    return z3.BoolVal(False)


def rule(kind: MoveKind, place: str, mirror: Any, flag: dict[str, Any]) -> Any:
    """Return the formula under which a kind of move with a place as target is allowed."""
    if (kind is MoveKind.FAILOVER) != (place == NOWHERE):
        return z3.BoolVal(False)
    internal = mirror == z3.StringVal("internal")
    needs = [mirror == z3.StringVal("external") if kind is MoveKind.FAILOVER_TO_ANY else internal]
    needs += [flag["balanced"], flag["chosen"], z3.Implies(internal, flag["same_group"])]
    if place != NOWHERE:
        needs.append(_receives(place, mirror, flag))
    drained = {"primary": flag["primary_drained"], "secondary": flag["secondary_drained"]}
    needs.append(z3.Implies(flag["evacuation"], z3.Or(drained["primary"], z3.And(internal, drained["secondary"]))))
    for step in STEPS[kind]:
        if step == "replace":
            needs.append(flag["disk_moves"])
            continue
        source, _, destination = step.partition(">")
        needs.append(flag["instance_moves"])
        if destination == "secondary":
            needs.append(z3.Not(drained["secondary"]))  # no instance goes to a drained node, not even for one step
        if len(STEPS[kind]) > 1:  # exchanging the roles of both nodes is never restricted, nor is shared storage
            needs.append(z3.Implies(flag["restricted"], drained[source]))
    return z3.And(*needs)


def offered_formula(wanted: Callable[[Offer], bool], table: Table, mirror: Any, flag: dict[str, Any]) -> Any:
    """Return the formula under which a wanted move is offered: the disjunction of the situations in which one is."""
    cases = []
    for situation, offered in table:
        if any(map(wanted, offered)):
            literals = [flag[name] if value else z3.Not(flag[name]) for name, value in situation.flags.items()]
            cases.append(z3.And(mirror == z3.StringVal(situation.mirror), *literals))
    return z3.Or(*cases) if cases else z3.BoolVal(False)


def disagreement(table: Table) -> str:
    """Describe a situation in which the moves offered differ from the rule; empty if z3 shows that there is none."""
    mirror = z3.String("mirror")
    flag = {name: z3.Bool(name) for name in FLAGS}
    known = z3.Or(*(mirror == z3.StringVal(name) for name in MIRRORS))
    for wanted in product(MoveKind, (NOWHERE, *PLACES)):
        kind, place = wanted
        allowed = rule(kind, place, mirror, flag)
        solver = z3.Solver()
        solver.add(known, allowed != offered_formula(wanted.__eq__, table, mirror, flag))
        verdict = solver.check()
        if verdict == z3.unsat:
            continue
        what = f"{kind.value} {place}".rstrip()
        if verdict == z3.unknown:
            return f"{what}: z3 cannot decide ({solver.reason_unknown()})"
        model = solver.model()
        assignment = ", ".join(f"{name}={model.eval(value, model_completion=True)}" for name, value in flag.items())
        wrong = "offered" if z3.is_false(model.eval(allowed, model_completion=True)) else "missing"
        return f"{what} is {wrong} with mirror={model.eval(mirror)}, {assignment}"
    return ""


def leaves_only_drained(table: Table) -> bool:
    """Show with z3 that, evacuating with restricted migration, every migration of DRBD leaves a drained node."""
    mirror = z3.String("mirror")
    flag = {name: z3.Bool(name) for name in FLAGS}
    drained = {"primary": flag["primary_drained"], "secondary": flag["secondary_drained"]}
    escapes = []
    for kind, steps in STEPS.items():
        sources = [step.partition(">")[0] for step in steps if step != "replace"]
        undrained = z3.Or(*(z3.Not(drained[source]) for source in sources)) if sources else z3.BoolVal(False)
        taken = offered_formula(lambda one, kind=kind: one[0] is kind, table, mirror, flag)  # type: ignore[misc]
        escapes.append(z3.And(taken, undrained))
    solver = z3.Solver()
    solver.add(mirror == z3.StringVal("internal"), flag["evacuation"], flag["restricted"], z3.Or(*escapes))
    return bool(solver.check() == z3.unsat)
