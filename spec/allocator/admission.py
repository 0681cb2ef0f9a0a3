"""The admission rule: the conditions under which a node takes an instance, as one table.

A condition compares what an instance needs with the room that a node has. The table names *figures*; each user of it
provides their values (integers, arrays, z3 terms), and may count what the node carries already on either side. Users
are `spec.allocator.accounts`, the working model (`htools.model.admission`), both checks in vectors
(`htools.balance.admission`, `htools.placement.admission`), their explanations, and `checkers.plans.constraints`.

Conditions are in the order in which Ganeti checks them: the first that is not met is the reason of the refusal.

Source: man htools(1); the failures that hspace counts; the moves that hbal makes and does not make.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Any

from spec.allocator.decisions import FailMode


class Figure(StrEnum):
    """What conditions compare. Sizes are MiB."""

    MEMORY = "memory that the instance takes of its primary"
    FAILOVER_MEMORY = "memory that its secondary must have for its fail-over"
    FREE_MEMORY = "unallocated memory"
    RESERVED = "memory kept for the failure of the node's largest peer"
    RESERVED_AFTER = "the same once the instance is mirrored here"
    DISK = "disk that the instance takes"
    FREE_DISK = "free disk"
    LEAST_DISK = "disk that the command line wants kept free"
    SPINDLES = "spindles that its disks occupy, infinite if unknown"
    FREE_SPINDLES = "free spindles"
    SPINDLE_USE = "spindle use with the instance"
    MOST_SPINDLE_USE = "spindle use that the policy allows"
    CORES = "virtual cores for each core, with the instance"
    MOST_CORES = "virtual cores for each core that the policy allows"
    CLASHES = "instances on the node with an exclusion tag of the instance"
    COPIES_MISSING = "1 for an instance whose disks have no second copy, else 0"
    NOTHING = "0"


class Only(Enum):
    """Circumstances to which a condition is limited."""

    LOCAL_DISKS = "the instance's disks are on its nodes"
    EXCLUSIVE = "spindles are owned exclusively"
    LIMITED_CORES = "the policy limits virtual cores"
    REDUNDANT = "the node does not fail N+1 already"
    NEW_DISKS = "the disks are not there already"


class Limit(Enum):
    """The limits that conditions stand for; the values are their short names."""

    MEMORY = "memory"
    DISK = "disk"
    LEAST_DISK = "disk to be kept free"
    SPINDLES = "spindles"
    SPINDLE_USE = "spindle use"
    FAILOVER = "memory for fail-over"
    N_PLUS_1 = "memory kept for fail-over"
    CORES = "virtual cores per core"
    TAGS = "exclusion tag in use there"
    SECOND_COPY = "disk template"


class Shown(Enum):
    """Which two numbers show how far a condition is met."""

    LEFT = "what would be left, and the least that must be"
    FREE = "what is free, and the least that must be"
    MOST = "what would be used, and the most that may be"


WITH_FORTHCOMING = " with forthcoming instances"
"""The end of the text of a condition that counts forthcoming instances."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: `need` must fit into `room`, less what is `kept`.

    Attributes:
        limit: which limit it is; unique among the conditions of one role and one way of counting.
        mode: the class of the refusal.
        text: the limit in words.
        need: figure of the instance.
        room: figure of the node.
        kept: figure of what must stay free besides, if anything.
        strict: whether need must be less than the room; else it may be equal.
        soft: whether it is left out when soft errors are ignored.
        only: it applies only where all of these hold.
        planned: whether figures count forthcoming instances; if not, it does not apply to a forthcoming instance.
        shown: the two numbers that show it.
    """

    limit: Limit
    mode: FailMode
    text: str
    need: Figure
    room: Figure
    kept: Figure | None = None
    strict: bool = False
    soft: bool = True
    only: tuple[Only, ...] = ()
    planned: bool = False
    shown: Shown = Shown.LEFT

    def refused(self, figures: Mapping[Figure, Any]) -> Any:
        """Return whether the figures do not meet it: a boolean, an array or a z3 term, as the figures are."""
        room = figures[self.room] if self.kept is None else figures[self.room] - figures[self.kept]
        return figures[self.need] >= room if self.strict else figures[self.need] > room

    def met(self, figures: Mapping[Figure, Any]) -> Any:
        """Return the opposite of `refused`, except that a limit that is NaN meets nothing and refuses nothing."""
        room = figures[self.room] if self.kept is None else figures[self.room] - figures[self.kept]
        return figures[self.need] < room if self.strict else figures[self.need] <= room

    def numbers(self, figures: Mapping[Figure, Any]) -> tuple[Any, Any]:
        """Return what there is, and what there must be at least (or at most); see `Shown`."""
        need, room = figures[self.need], figures[self.room]
        if self.shown is Shown.MOST:
            return need, room
        if self.shown is Shown.FREE:
            return room, need + self.strict
        return room - need, (0 if self.kept is None else figures[self.kept]) + self.strict


_DISK_LIMITS = (
    Condition(
        Limit.DISK, FailMode.DISK, "free disk", Figure.DISK, Figure.FREE_DISK,
        strict=True, soft=False, only=(Only.LOCAL_DISKS,),
    ),
    Condition(
        Limit.LEAST_DISK, FailMode.DISK, "disk to be kept free", Figure.DISK, Figure.FREE_DISK,
        kept=Figure.LEAST_DISK, only=(Only.LOCAL_DISKS,),
    ),
    Condition(
        Limit.SPINDLES, FailMode.SPINDLES, "free spindles", Figure.SPINDLES, Figure.FREE_SPINDLES,
        soft=False, only=(Only.LOCAL_DISKS, Only.EXCLUSIVE),
    ),
    Condition(
        Limit.SPINDLE_USE, FailMode.DISK, "spindle use", Figure.SPINDLE_USE, Figure.MOST_SPINDLE_USE,
        only=(Only.LOCAL_DISKS,), shown=Shown.MOST,
    ),
)  # fmt: skip

_RUNS = (
    Condition(
        Limit.MEMORY, FailMode.MEMORY, "free memory", Figure.MEMORY, Figure.FREE_MEMORY, strict=True, soft=False
    ),
    *_DISK_LIMITS,
    Condition(
        Limit.N_PLUS_1, FailMode.MEMORY, "memory above the N+1 reserve", Figure.MEMORY, Figure.FREE_MEMORY,
        kept=Figure.RESERVED, strict=True, only=(Only.REDUNDANT,),
    ),
    Condition(
        Limit.CORES, FailMode.CPU, "virtual cores for each core", Figure.CORES, Figure.MOST_CORES,
        only=(Only.LIMITED_CORES,), shown=Shown.MOST,
    ),
    Condition(Limit.TAGS, FailMode.TAGS, "exclusion tag", Figure.CLASHES, Figure.NOTHING, shown=Shown.MOST),
)  # fmt: skip

_MIRRORS = (
    Condition(
        Limit.SECOND_COPY, FailMode.DISK, "a disk template with a secondary", Figure.COPIES_MISSING, Figure.NOTHING,
        soft=False, shown=Shown.MOST,
    ),
    replace(_DISK_LIMITS[0], only=(Only.LOCAL_DISKS, Only.NEW_DISKS)),
    *_DISK_LIMITS[1:],
    Condition(
        Limit.FAILOVER, FailMode.MEMORY, "memory for fail-over", Figure.FAILOVER_MEMORY, Figure.FREE_MEMORY,
        strict=True, shown=Shown.FREE,
    ),
    Condition(
        Limit.N_PLUS_1, FailMode.MEMORY, "memory above the N+1 reserve", Figure.RESERVED_AFTER, Figure.FREE_MEMORY,
        strict=True, only=(Only.REDUNDANT,), shown=Shown.FREE,
    ),
)  # fmt: skip


def _with_forthcoming(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Return the soft conditions that compare figures with forthcoming instances."""
    return tuple(
        replace(
            condition,
            text=condition.text + WITH_FORTHCOMING,
            soft=True,
            planned=True,
            only=tuple(only for only in condition.only if only is not Only.NEW_DISKS),
        )
        for condition in conditions
        if condition.limit not in {Limit.N_PLUS_1, Limit.TAGS}
    )


AS_PRIMARY = (*_RUNS, *_with_forthcoming(_RUNS))
"""The conditions under which a node runs an instance, in order."""

AS_SECONDARY = (*_MIRRORS, *_with_forthcoming(_MIRRORS))
"""The conditions under which a node is an instance's secondary, in order."""


def condition_for(conditions: tuple[Condition, ...], limit: Limit) -> Condition:
    """Return the condition for a limit that counts existing instances only."""
    return next(each for each in conditions if each.limit is limit and not each.planned)


def fails_n1(free: Any, reserved: Any) -> Any:
    """Return whether a node fails N+1: no memory would be left after the failure of its largest peer.

    Numbers give a boolean, arrays an array. Sizes are MiB.
    """
    return free <= reserved


def fails_n1_as_read(free: Any, reserved: Any) -> Any:
    """Return whether a node whose memory is as its hypervisor reports it fails N+1: here just enough is enough.

    Source: Ganeti's hcheck finds no fault in a node that has just as much free memory as its largest peer needs.
    """
    return free < reserved
