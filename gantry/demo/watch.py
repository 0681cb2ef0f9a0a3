"""Views of a running cluster: its jobs, who waits for which lock, its score. Nothing is printed here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from htools.backends import luxi
from htools.model.cluster import Model
from htools.model.score import score
from impl.paths import Root
from impl.wire.client import Client, UnreachableError
from spec.allocator.decisions import Settings

FINAL = frozenset({"success", "error", "canceled"})


@dataclass(frozen=True, slots=True)
class JobView:
    """One job as luxid reports it: id, status, what it does."""

    number: int
    status: str
    what: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits for a lock, and the jobs that hold it."""

    job: int
    lock: str
    holders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """The cluster at one moment."""

    jobs: tuple[JobView, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    score: float | None = None

    def count(self, *statuses: str) -> int:
        """Return the number of jobs in one of the statuses."""
        return sum(job.status in statuses for job in self.jobs)

    @property
    def active(self) -> tuple[JobView, ...]:
        """Return the jobs that have begun and not ended."""
        return tuple(job for job in self.jobs if job.status in {"waiting", "running", "canceling"})


class Watcher:
    """Queries the daemons of one root over connections that it keeps, and reopens after a daemon stopped."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._clients: dict[str, Client] = {}
        self._names: dict[str, str] = {}
        self._last = Sight()

    def look(self, *, with_score: bool = False) -> Sight:
        """Return the current state; the part of an unreachable daemon is the last known one."""
        jobs, waiting, value = self._last.jobs, self._last.waiting, self._last.score
        try:
            rows = self._client(self._root.luxi_socket).call("QueryJobs", [], ["id", "status", "summary"])
            jobs = tuple(sorted(_jobs(rows), key=lambda job: job.number))
            if with_score:
                value = self.score()
        except UnreachableError:
            self._forget(self._root.luxi_socket)
        try:
            held, pending = self._client(self._root.wconfd_socket).call("listLocksWaitingStatus")
            waiting = tuple(_waiting(held, pending, self._node_names()))
        except UnreachableError:
            self._forget(self._root.wconfd_socket)
        self._last = Sight(jobs, waiting, value)
        return self._last

    def score(self) -> float:
        """Return the cluster's score as hbal computes it."""
        cluster = luxi.read("the cluster", self._client(self._root.luxi_socket))
        return score(Model.of(cluster, Settings()).nodes.values())

    def _node_names(self) -> dict[str, str]:
        """Return names of nodes by UUID, since names of locks contain UUIDs."""
        if not self._names:
            rows = self._client(self._root.luxi_socket).call("QueryNodes", [], ["uuid", "name"], False)
            self._names = {str(uuid): str(name) for uuid, name in rows}
        return self._names

    def _client(self, path: str) -> Client:
        if path not in self._clients:
            self._clients[path] = Client(path)
        return self._clients[path]

    def _forget(self, path: str) -> None:
        client = self._clients.pop(path, None)
        if client is not None:
            client.close()

    def close(self) -> None:
        """Close the connections."""
        for path in list(self._clients):
            self._forget(path)


def _jobs(rows: Iterable[Sequence[Any]]) -> Iterable[JobView]:
    for number, status, summary in rows:
        if status is not None:
            yield JobView(int(number), str(status), _plain([str(part) for part in summary or ()]))


_VERBS = {
    "INSTANCE_MIGRATE": "migrate",
    "INSTANCE_FAILOVER": "fail over",
    "INSTANCE_REPLACE_DISKS": "new secondary",
    "TEST_DELAY": "test, s",
}


def _plain(summaries: Sequence[str]) -> str:
    """Write `INSTANCE_MIGRATE(lab-files)` and so on as `lab-files: migrate, …`; all opcodes are about one instance."""
    parts = [summary.partition("(") for summary in summaries]
    subjects = list(dict.fromkeys(rest.removesuffix(")") for _, _, rest in parts))
    verbs = ", ".join(_VERBS.get(verb, verb.lower().replace("_", " ")) for verb, _, _ in parts)
    return f"{' '.join(subjects)}: {verbs}"


def _waiting(held: Any, pending: Any, names: dict[str, str]) -> Iterable[Waiting]:
    """Return for every pending request the first of its locks that others hold in a conflicting mode."""
    owners = dict(held)
    for _, client, request in pending:
        for lock, mode in request:
            others = [owner[0] for owner, held_mode in owners.get(lock, ()) if "exclusive" in {mode, held_mode}]
            holders = tuple(owner for owner in others if isinstance(owner, int) and owner != client[0])
            if holders and isinstance(client[0], int):
                level, _, name = lock.partition("/")
                yield Waiting(client[0], f"{level} {names.get(name, name)}", holders)
                break


def final_counts(sight: Sight) -> Counter[str]:
    """Return how many jobs have each final status."""
    return Counter(job.status for job in sight.jobs)
