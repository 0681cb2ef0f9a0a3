"""Checks with z3 that the moves which balancing offers are exactly those that the rule allows.

The rule is told by what a move *does*: its steps, where each fail-over leaves from and arrives, and what the flags
forbid. The code tells, for every combination of mirror type, drain state and flags, which moves it offers; that table
becomes a formula, and z3 decides whether it is equivalent to the rule. Works on any function that offers moves.

Source: man hbal(1) on --no-disk-moves, --no-instance-moves, --restricted-migration and --evac-mode.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import z3

from spec.cluster import AllocPolicy, Cluster, DiskTemplate, Group, Instance, InstanceStatus, Node
from spec.decisions import MoveKind, Rules

FLAGS = ("disk_moves", "instance_moves", "restricted", "evacuation", "primary_drained", "secondary_drained")
"""What the moves offered may depend on, besides the mirror type. A drained node is one that is offline to balancing."""

MIRRORS = {"none": DiskTemplate.PLAIN, "external": DiskTemplate.RBD, "internal": DiskTemplate.DRBD}

STEPS: dict[MoveKind, tuple[str, ...]] = {
    MoveKind.FAILOVER: ("primary>secondary",),
    MoveKind.FAILOVER_TO_ANY: ("primary>target",),
    MoveKind.REPLACE_SECONDARY: ("replace",),
    MoveKind.REPLACE_AND_FAILOVER: ("replace", "primary>target"),
    MoveKind.REPLACE_PRIMARY: ("primary>secondary", "replace", "secondary>target"),
    MoveKind.FAILOVER_AND_REPLACE: ("primary>secondary", "replace"),
}
"""The steps of each kind: a replacement of the secondary, or an instance leaving one node for another."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One combination: the mirror type and the flags by name."""

    mirror: str
    flags: dict[str, bool]

    def rules(self) -> Rules:
        """The flags of the command line."""
        return Rules(
            disk_moves=self.flags["disk_moves"],
            instance_moves=self.flags["instance_moves"],
            restricted_migration=self.flags["restricted"],
            evacuation=self.flags["evacuation"],
        )

    def cluster(self) -> Cluster:
        """An instance on its one or two nodes, and one node more that is online."""
        group = Group("g", "u", AllocPolicy.PREFERRED)
        drained = (self.flags["primary_drained"], self.flags["secondary_drained"], False)
        nodes = tuple(
            Node(f"n{at}", 0, 8192.0, 0, 8192, 99999.0, 99999, 8.0, offline=off) for at, off in enumerate(drained)
        )
        template = MIRRORS[self.mirror]
        secondary = 1 if template is DiskTemplate.DRBD else None
        vm = Instance("i", 512, 1024, 1, InstanceStatus.RUNNING, auto_balance=True, primary=0, secondary=secondary,
                      disk_template=template)  # fmt: skip
        return Cluster((group,), nodes, (vm,))


Offers = Callable[[Situation], frozenset[MoveKind]]
"""What offers moves: the kinds offered in a situation for the third node as target (and the mere fail-over)."""


def situations() -> Iterator[Situation]:
    """Every combination."""
    for mirror in MIRRORS:
        for values in product((False, True), repeat=len(FLAGS)):
            yield Situation(mirror, dict(zip(FLAGS, values, strict=True)))


def rule(kind: MoveKind, mirror: Any, flag: dict[str, Any]) -> Any:
    """The formula under which a kind of move is allowed."""
    needs = [mirror == z3.StringVal("external" if kind is MoveKind.FAILOVER_TO_ANY else "internal")]
    movable = z3.If(mirror == z3.StringVal("internal"), flag["secondary_drained"], False)
    needs.append(z3.Implies(flag["evacuation"], z3.Or(flag["primary_drained"], movable)))
    drained = {"primary": flag["primary_drained"], "secondary": flag["secondary_drained"]}
    for step in STEPS[kind]:
        if step == "replace":
            needs.append(flag["disk_moves"])
            continue
        source, _, destination = step.partition(">")
        needs.append(flag["instance_moves"])
        if destination == "secondary":
            needs.append(z3.Not(flag["secondary_drained"]))  # nobody is sent to a drained node, not even to pass by
        if len(STEPS[kind]) > 1:  # exchanging the roles of both nodes is never restricted, nor is shared storage
            needs.append(z3.Implies(flag["restricted"], drained[source]))
    return z3.And(*needs)


def offered_formula(kind: MoveKind, offers: Offers, mirror: Any, flag: dict[str, Any]) -> Any:
    """The formula under which the code offers a kind of move: the disjunction of the situations in which it does."""
    cases = []
    for situation in situations():
        if kind in offers(situation):
            literals = [flag[name] if value else z3.Not(flag[name]) for name, value in situation.flags.items()]
            cases.append(z3.And(mirror == z3.StringVal(situation.mirror), *literals))
    return z3.Or(*cases) if cases else z3.BoolVal(False)


def disagreement(offers: Offers) -> str:
    """A situation in which the moves offered are not those that the rule allows; empty if z3 shows there is none."""
    mirror = z3.String("mirror")
    flag = {name: z3.Bool(name) for name in FLAGS}
    known = z3.Or(*(mirror == z3.StringVal(name) for name in MIRRORS))
    for kind in MoveKind:
        solver = z3.Solver()
        solver.add(known, rule(kind, mirror, flag) != offered_formula(kind, offers, mirror, flag))
        verdict = solver.check()
        if verdict == z3.unsat:
            continue
        if verdict == z3.unknown:
            return f"{kind.value}: z3 cannot tell ({solver.reason_unknown()})"
        model = solver.model()
        told = ", ".join(f"{name}={model.eval(value, model_completion=True)}" for name, value in flag.items())
        wrong = "offered" if z3.is_false(model.eval(rule(kind, mirror, flag), model_completion=True)) else "missing"
        return f"{kind.value} is {wrong} with mirror={model.eval(mirror)}, {told}"
    return ""


def leaves_only_drained(offers: Offers) -> bool:
    """Whether, evacuating with restricted migration, z3 shows that every migration of DRBD leaves a drained node."""
    mirror = z3.String("mirror")
    flag = {name: z3.Bool(name) for name in FLAGS}
    drained = {"primary": flag["primary_drained"], "secondary": flag["secondary_drained"]}
    escapes = []
    for kind, steps in STEPS.items():
        sources = [step.partition(">")[0] for step in steps if step != "replace"]
        undrained = z3.Or(*(z3.Not(drained[source]) for source in sources)) if sources else z3.BoolVal(False)
        escapes.append(z3.And(offered_formula(kind, offers, mirror, flag), undrained))
    solver = z3.Solver()
    solver.add(flag["evacuation"], flag["restricted"], z3.Or(*escapes))
    return bool(solver.check() == z3.unsat)
