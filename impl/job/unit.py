"""What a logical unit is: one opcode's locks, preconditions and work. And what the process offers it.

`resolve` and `prepare` are pure: they read the opcode and a view, and raise `PrerequisiteError` or return. Only `run`
acts, through its `Context`; and it changes the configuration only in `Context.change`, whole or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from impl.cluster.view import ClusterView
from impl.config_change import Change
from impl.hypervisor.port import Driver
from impl.job.locking import Take
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

    def opportunistic(self, wanted: Mapping[str, str], at_least: int) -> list[str]:
        """Take those of some locks that can be had now, if they are enough; answers those that were taken."""


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
    """

    run: Callable[[Context, Plan], Any]
    takes: tuple[Take, ...] = ()
    bgl: Mode = Mode.SHARED
    resolve: Callable[[dict[str, Any], ClusterView], dict[str, Any]] = field(default=_as_it_is)
    prepare: Callable[[Op, ClusterView], Plan] = field(default=_nothing)
