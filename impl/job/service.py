"""What a job asks of wconfd: locks and configuration, over a connection that is opened again when wconfd restarts.

Every request here may be repeated: wconfd confirms what it did only after it is on disk, so when the connection breaks
the job reconnects and asks again, and the answer is the same whether or not the first request was carried out. The one
exception, writing the configuration, is decided by reading it again (see `Service.change`).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from impl.cluster.change import Change, apply
from impl.cluster.view import ClusterView
from impl.hypervisor.accounting import with_reports
from impl.job.reserving import WconfdReservations
from impl.wire.client import Client, UnreachableError
from spec.errors import GantryError, PeerError
from spec.locks.names import parse_lock

RECONNECT_SECONDS = 60.0
"""How long wconfd may be away before a job gives up."""

RECONNECT_PAUSE = 0.05
LOCK_PAUSE = 0.01
LOCK_PAUSE_LIMIT = 0.25
CONFIG_LOCK_SECONDS = 120.0
"""How long the configuration may be locked by others before a job gives up."""

UPDATES = {
    "nodes": "updateNode",
    "instances": "updateInstance",
    "nodegroups": "updateNodeGroup",
    "networks": "updateNetwork",
    "disks": "updateDisk",
}
"""Methods that replace one object, by container."""

ClientId = Sequence[Any]


class ConfigurationBusyError(GantryError):
    """Others hold the configuration's lock for too long.

    Attributes:
        owners: who holds it, as far as wconfd says.
        seconds: how long was waited.
    """

    def __init__(self, owners: Sequence[str], seconds: float) -> None:
        self.owners = tuple(owners)
        self.seconds = seconds
        who = ", ".join(owners) or "somebody"
        super().__init__(
            f"waited {seconds:.0f} s for the lock cluster/config, held by {who}: look what it does, and retry"
        )


class Service:
    """wconfd, as one job sees it.

    Args:
        path: wconfd's socket.
        client_id: the job's id there: job number, live-lock, process id.
        sleep: waits some seconds.
        check: called with each new connection before it is used; raises if the socket's name is another's by now.
    """

    def __init__(
        self,
        path: str,
        client_id: ClientId,
        sleep: Callable[[float], None] = time.sleep,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._client_id = list(client_id)
        self._sleep = sleep
        self._check = check
        self._client: Client | None = None
        self._known: Mapping[str, Any] | None = None
        self._has_serial_call = True
        self.reservations = WconfdReservations(self.call, client_id, self.read)

    def call(self, method: str, *args: Any) -> Any:
        """Call a repeatable method; reconnects while wconfd is away.

        Raises:
            PeerError: wconfd answered an error.
            UnreachableError: it stayed away.
        """
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                return self._connected().call(method, *args)
            except UnreachableError:
                self.close()
                if time.monotonic() > deadline:
                    raise
                self._sleep(RECONNECT_PAUSE)

    def _connected(self) -> Client:
        if self._client is None:
            client = Client(self._path, timeout=RECONNECT_SECONDS)
            try:
                self._check()
            except BaseException:
                client.close()
                raise
            self._client = client
        return self._client

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # --- locks

    def request(self, priority: int, wanted: Sequence[Sequence[str]]) -> list[Any]:
        """Ask for locks, waiting in line if they are not free; answers the blocking owners, none when granted."""
        blockers: list[Any] = self.call("updateLocksWaiting", self._client_id, priority, wanted)
        return blockers

    def is_pending(self) -> bool:
        """Return whether a request of this job still waits."""
        return bool(self.call("hasPendingRequest", self._client_id))

    def free(self) -> None:
        """Drop all locks, any request, and what was set aside for the job."""
        self.reservations.drop()
        self.call("freeLocks", self._client_id)

    def held(self) -> dict[str, str]:
        """Return the job's locks and their modes, by name."""
        return dict(self.call("listLocks", self._client_id))

    def opportunistic(self, wanted: Sequence[Sequence[str]], at_least: int) -> list[str]:
        """Take those of some locks that are free now, or none if they are fewer than wanted."""
        taken: list[str] = self.call("guardedOpportunisticLockUnion", at_least, self._client_id, wanted)
        return taken

    def narrow(self, nodes: Sequence[str]) -> None:
        """Hold, of all locks on nodes and their resources, only those of some nodes, exclusively."""
        keep = {f"{level}/{uuid}" for level in ("node", "node-res") for uuid in nodes}
        held = self.held()
        release = [lock for lock in held if lock.startswith(("node/", "node-res/")) and lock not in keep]
        wanted = [[lock, "exclusive"] for lock in keep if held.get(lock) != "exclusive"]
        request = sorted([*wanted, *([lock, "release"] for lock in release)], key=lambda item: parse_lock(item[0]))
        blockers = self.call("updateLocksWaiting", self._client_id, 0, request) if request else []
        while blockers:
            self._sleep(LOCK_PAUSE_LIMIT)
            if not self.is_pending():
                blockers = self.call("updateLocksWaiting", self._client_id, 0, request)

    def verify(self) -> list[str]:
        """Return wconfd's findings about the configuration."""
        try:
            self.call("verifyConfig")
        except PeerError as error:
            return [str(argument) for argument in error.arguments]
        return []

    # --- configuration

    def read(self) -> ClusterView:
        """Return the configuration as it is when it is first used.

        One that is not used is not read, and one that has not changed since it was last read is not read again.
        """
        return ClusterView(self._load)

    def _load(self) -> Any:
        known = self._known
        if known is not None and self._serial() == known["serial_no"]:
            return known
        self._known = self.call("readConfig")
        return self._known

    def _serial(self) -> int | None:
        """Read the configuration's serial number; None if wconfd is Ganeti's, which cannot be asked for it alone."""
        if not self._has_serial_call:
            return None
        try:
            return int(self.call("readConfigSerial"))
        except PeerError:
            self._has_serial_call = False
            return None

    def change(self, function: Callable[[ClusterView], Change]) -> ClusterView:
        """Change the configuration as one transaction and answer it as it is afterwards.

        A change of one object is sent as that object alone, guarded by its serial number; any other under the
        configuration's lock. If an answer is lost, the configuration is read again and `function` asked again: it
        finds its change done, or not.
        """
        while True:
            view = self.read()
            change = with_reports(view, function(view))
            if not change:
                return view
            single = change.single()
            try:
                if single is not None and single[0] in UPDATES and self._exists(view, *single):
                    done = self._update(*single)
                else:
                    done = self._write(function)
            except UnreachableError:
                self.close()
                self._sleep(RECONNECT_PAUSE)
                self.call("unlockConfig", self._client_id)
                continue
            if done:
                return self.read()

    @staticmethod
    def _exists(view: ClusterView, container: str, item: Any) -> bool:
        return item["uuid"] in (view.config.get(container) or {})

    def _update(self, container: str, item: Any) -> bool:
        """Replace one object; False if it has changed meanwhile or the configuration is locked."""
        method = UPDATES[container]
        try:
            answer = self._once(method, item)
        except PeerError as error:
            if error.error_class == "ConfigurationError":
                return False
            raise
        if answer is None:
            self._sleep(LOCK_PAUSE)
        return answer is not None

    def _write(self, function: Callable[[ClusterView], Change]) -> bool:
        """Lock, compute, write and unlock; True once it is written, or nothing is left to do."""
        config = self._lock_config()
        try:
            view = ClusterView(config)
            change = with_reports(view, function(view))
            if not change:
                self.call("unlockConfig", self._client_id)
                return True
            new = apply(config, change, time.time())
            self._once("writeConfigAndUnlock", self._client_id, new)
        except UnreachableError:
            raise
        except BaseException:
            self.call("unlockConfig", self._client_id)
            raise
        return True

    def _once(self, method: str, *args: Any) -> Any:
        """Call a method that is not to be repeated blindly."""
        return self._connected().call(method, *args)

    def _lock_config(self) -> Any:
        """Lock the configuration exclusively and answer it."""
        started = time.monotonic()
        pause = LOCK_PAUSE
        while True:
            config = self.call("lockConfig", self._client_id, False)  # False: not shared
            if config is not None:
                return config
            waited = time.monotonic() - started
            if waited > CONFIG_LOCK_SECONDS:
                raise ConfigurationBusyError(self._config_owners(), waited)
            self._sleep(pause)
            pause = min(2 * pause, LOCK_PAUSE_LIMIT)

    def _config_owners(self) -> list[str]:
        for lock, owners in self.call("listAllLocksOwners"):
            if lock == "cluster/config":
                return [str(client[0]) for client, _ in owners]
        return []
