"""The vocabulary of plans: commands that move instances, the jobs that hold them, the sets of jobs, and what is unsafe.

A plan is what `hbal` prints with `-C` or submits with `-X`: job sets that run one after the other, in each of them jobs
that run side by side, in each job commands that run one after the other. Here are only the values; `spec.plans.safety`
defines which states a plan goes through, and what makes one unsafe.
"""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a command does to one instance; the values are the subcommands of `gnt-instance`."""

    MIGRATE = "migrate"
    FAILOVER = "failover"
    REPLACE_DISKS = "replace-disks"


@dataclass(frozen=True, slots=True)
class Command:
    """One change of one instance's place.

    Attributes:
        action: migration and fail-over exchange the roles of primary and secondary (with DRBD), or move the instance
            to `node` (with storage that every node reaches); replacing the disks makes `node` the new secondary.
        instance: position in `Cluster.instances`.
        node: position in `Cluster.nodes`, None where the action needs no node.
    """

    action: Action
    instance: int
    node: int | None = None


@dataclass(frozen=True, slots=True)
class PlanJob:
    """Commands that run one after the other."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Sets of jobs: a set begins when every job of the set before has ended; inside a set, jobs run side by side."""

    job_sets: tuple[tuple[PlanJob, ...], ...]

    @property
    def steps(self) -> "tuple[Step, ...]":
        """Every command with its place in the plan, in the order in which the plan is written."""
        return tuple(
            Step(set_index, job_index, index, command)
            for set_index, jobs in enumerate(self.job_sets)
            for job_index, job in enumerate(jobs)
            for index, command in enumerate(job.commands)
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A command and its place: the positions of its set, of its job in the set, and of itself in the job."""

    job_set: int
    job: int
    index: int
    command: Command


class Rule(StrEnum):
    """What a plan must keep; the values are the names on the command line."""

    POSSIBLE = "possible"
    """The command can be done at all: there is a secondary to move to, the new node is neither of the present two."""
    DRAIN = "drain"
    """Nothing is moved to a node that is offline or drained."""
    GROUP = "group"
    """An instance stays within its node group."""
    RESTRICTED_MIGRATION = "restricted-migration"
    """No instance is migrated off a node that is not drained (asked for on the command line)."""
    MIGRATION_TAGS = "migration-tags"
    """An instance is migrated only to a node that allows all migration tags of the node it leaves."""
    MEMORY = "memory"
    """The instances of a node fit its memory."""
    DISK = "disk"
    """The disks on a node fit its disk."""
    CPU = "cpu"
    """The virtual cores on a node stay within the ratio to its cores that its group's policy allows."""
    N_PLUS_1 = "n+1"
    """A node has memory left for the instances of any one other node that would fail over to it."""
    EXCLUSION_TAGS = "exclusion-tags"
    """No two instances with the same exclusion tag run on one node."""


STANDARD_RULES = frozenset(Rule) - {Rule.RESTRICTED_MIGRATION}
"""The rules that are checked by default."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A rule about a node's load that a state breaks.

    Attributes:
        rule: memory, disk, cpu, n+1 or exclusion tags.
        node: the node that is short.
        have: MiB that it has left; with cpu: the virtual cores allowed; with exclusion tags: 1, the number allowed.
        need: MiB that it would need: 1 with memory and disk, where something must be left; with cpu and exclusion
            tags the number in use.
        peer: with n+1, the node whose failure is not covered.
        tag: with exclusion tags, the tag.
    """

    rule: Rule
    node: int
    have: int
    need: int
    peer: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class BadCommand:
    """A rule that a command itself breaks in the state in which it begins.

    Attributes:
        rule: possible, drain, group, restricted migration or migration tags.
        node: the node that the rule is about: the target, or with restricted migration the one left.
        tag: with migration tags, the tag that the target does not allow.
    """

    rule: Rule
    node: int | None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Offence:
    """The first bad step of a plan.

    Attributes:
        done: the steps already done, in an order that the plan allows; the last one is the offending step.
        reasons: all that is wrong with it, never empty.
    """

    done: tuple[Step, ...]
    reasons: tuple[Shortfall | BadCommand, ...]

    @property
    def step(self) -> Step:
        """The offending step."""
        return self.done[-1]
