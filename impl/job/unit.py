"""What a logical unit is: one opcode's locks, preconditions and work. And what the process offers it.

`resolve` and `prepare` are pure: they read the opcode and a view, and raise `PrerequisiteError` or return. Only `run`
acts, through its `Context`; and it changes the configuration only in `Context.change`, whole or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from impl.cluster.change import Change
from impl.cluster.view import ClusterView
from impl.hypervisor.port import Driver
from impl.job.locking import Take
from impl.job.reserving import Reservations
from spec.locks.names import Mode

Op = Mapping[str, Any]


class Context(Protocol):
    """What a unit may do while it runs."""

    @property
    def op(self) -> Op:
        """The opcode, with names expanded and secrets in place."""

    @property
    def view(self) -> ClusterView:
        """The configuration as read under the opcode's locks, or after its last change."""

    @property
    def driver(self) -> Driver:
        """The hypervisors."""

    def log(self, message: Any, kind: str = "message") -> None:
        """Append to the opcode's log."""

    def log_all(self, messages: Sequence[str]) -> None:
        """Append many lines at once."""

    def change(self, function: Callable[[ClusterView], Change]) -> None:
        """Change the configuration as one transaction.

        Args:
            function: computes the change from the configuration as it is then; may be called again if others were
                faster, so it must say nothing but what to change, and say nothing once that is done.
        """

    def submit(self, jobs: Sequence[Sequence[Op]]) -> list[list[Any]]:
        """Submit jobs; answers a pair (ok, id or error) each."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    @property
    def nodes_taken(self) -> Sequence[str] | None:
        """UUIDs of the nodes that were locked opportunistically; None if they were not."""

    def narrow(self, nodes: Sequence[str]) -> None:
        """Hold, of all locks on nodes and their resources, only those of some nodes."""

    def allocate(self, program: str, request: Mapping[str, Any], options: Sequence[str] = ()) -> Any:
        """Run an instance allocator and answer its result.

        Raises:
            AllocatorError: it could not be run, or found no solution.
        """

    @property
    def reservations(self) -> Reservations:
        """What wconfd sets aside for this job."""

    def verify_configuration(self) -> list[str]:
        """Return wconfd's own findings about the configuration."""


@dataclass(frozen=True, slots=True)
class Some:
    """Nodes of which some are to be locked: as many as can be had, but at least so many.

    Attributes:
        patience: seconds to go on asking while fewer are free.
    """

    nodes: tuple[str, ...]
    at_least: int
    patience: float


def _none(_: Op, __: ClusterView) -> Some | None:
    return None


Plan = Any
"""What `prepare` found out, handed to `run`."""


def _as_it_is(op: dict[str, Any], _: ClusterView) -> dict[str, Any]:
    return op


def _nothing(_: Op, __: ClusterView) -> Plan:
    return None


@dataclass(frozen=True, slots=True)
class Unit:
    """One opcode's behaviour.

    Attributes:
        run: does the work and returns the opcode's result.
        takes: the locks.
        bgl: how the big lock is taken.
        resolve: checks arguments and expands names, before any lock.
        prepare: checks the preconditions under the locks, and plans.
        some: nodes to be locked opportunistically, after the other locks.
        before: done while the opcode is waiting, ahead of its locks; may only log.
    """

    run: Callable[[Context, Plan], Any]
    takes: tuple[Take, ...] = ()
    bgl: Mode = Mode.SHARED
    resolve: Callable[[dict[str, Any], ClusterView], dict[str, Any]] = field(default=_as_it_is)
    prepare: Callable[[Op, ClusterView], Plan] = field(default=_nothing)
    some: Callable[[Op, ClusterView], Some | None] = field(default=_none)
    before: Callable[[Context], None] | None = None
