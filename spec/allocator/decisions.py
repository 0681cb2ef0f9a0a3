"""The vocabulary of decisions: moves, what the command line allows, and why a node refuses.

Only names and values; what they mean is `spec.allocator.accounts`, `spec.allocator.moves` and `spec.allocator.balance`.

Source: man hbal(1); the failure names that hspace prints.
"""

from dataclasses import dataclass
from enum import Enum


class FailMode(Enum):
    """Why a node cannot take an instance; the values are Ganeti's names."""

    MEMORY = "FailMem"
    DISK = "FailDisk"
    CPU = "FailCPU"
    N1 = "FailN1"
    TAGS = "FailTags"
    MIGRATION = "FailMig"
    DISK_COUNT = "FailDiskCount"
    SPINDLES = "FailSpindles"
    INTERNAL = "FailInternal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be done.

    Attributes:
        mode: the class of the reason.
        node: position of the node that refuses.
        what: the constraint in words.
        have: what there would be (MiB, cores, ratio), as far as it is a number.
        need: what there must be at least (or at most, for ratios).
        soft: whether ignoring soft errors would help.
    """

    mode: FailMode
    node: int
    what: str
    have: float = 0.0
    need: float = 0.0
    soft: bool = True


class MoveKind(Enum):
    """The steps a move consists of: f is a fail-over or migration, r the replacement of the secondary."""

    FAILOVER = "f"
    FAILOVER_TO_ANY = "fa"
    REPLACE_SECONDARY = "r"
    REPLACE_AND_FAILOVER = "rf"
    REPLACE_PRIMARY = "frf"
    FAILOVER_AND_REPLACE = "fr"


@dataclass(frozen=True, slots=True)
class Move:
    """One move: the instance's position, the kind, and the position of the new node (None for a fail-over)."""

    instance: int
    kind: MoveKind
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the command line allows.

    Attributes:
        disk_moves: whether disks may be moved (replacing the secondary).
        instance_moves: whether instances may be moved (changing the primary).
        restricted_migration: instances may leave only nodes that are drained, and may arrive anywhere else.
        evacuation: only instances with an offline node are moved.
        ignore_soft: soft errors are ignored for every move.
        min_gain: smallest gain of a round once the score is at or below `min_gain_limit`.
        min_gain_limit: score above which any gain suffices.
    """

    disk_moves: bool = True
    instance_moves: bool = True
    restricted_migration: bool = False
    evacuation: bool = False
    ignore_soft: bool = False
    min_gain: float = 1e-2
    min_gain_limit: float = 1e-1

    def suffices(self, before: float, after: float) -> bool:
        """Return whether a round's gain is enough."""
        return after < before and (before > self.min_gain_limit or before - after >= self.min_gain)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line adds to a cluster's own data.

    Attributes:
        exclusion_prefixes: more prefixes of exclusion tags (each with its colon).
        fixed: positions of instances that may not be moved.
        disk_reserve: fraction of each node's disk to keep free.
        vcpu_ratio: overrides the policies' ratio.
    """

    exclusion_prefixes: tuple[str, ...] = ()
    fixed: frozenset[int] = frozenset()
    disk_reserve: float = 0.0
    vcpu_ratio: float | None = None
