"""A wconfd in memory, on a unix socket: the lock rules of the specification, the configuration a plain value."""

import copy
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from impl.wire.framing import FrameDecoder, frame
from impl.wire.messages import decode_request, encode_error, encode_result
from spec.locks.model import Free, Opportunistic, Wait
from spec.locks.names import MODE_NAMES, Lock, Mode, Owner, Request, job, lock_name, other, parse_lock, parse_mode
from spec.locks.rules import LockState, locks_of, pending_of, step

CONFIG = parse_lock("cluster/config")


class RefusedError(Exception):
    def __init__(self, error_class: str, text: str) -> None:
        self.error_class = error_class
        super().__init__(text)


def owner_of(client: list[Any]) -> Owner:
    ident, livelock, pid = client
    return job(ident, livelock, pid) if isinstance(ident, int) else other(ident, livelock, pid)


def client_of(owner: Owner) -> list[Any]:
    return [owner.ident, owner.livelock, owner.pid]


class FakeWconfd:
    """Serves until it is closed. `calls` lists the methods in order; `before` is called ahead of each."""

    def __init__(self, path: str, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config
        self.locks = LockState()
        self.calls: list[str] = []
        self.before: Callable[[str, list[Any]], None] = lambda method, args: None
        self.drop_answer_of: str | None = None
        self.reserved = 0
        self.volumes: dict[str, list[Any]] = {}
        self.minors: dict[tuple[str, int], str] = {}
        self._lock = threading.Lock()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(path)
        self._server.listen(16)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        decoder = FrameDecoder()
        with connection:
            while data := connection.recv(1 << 16):
                for message in decoder.receive_data(data):
                    request = decode_request(message)
                    answer = self.answer(request.method, list(request.args))
                    if self.drop_answer_of == request.method:
                        self.drop_answer_of = None
                        return
                    connection.sendall(frame(answer))

    def answer(self, method: str, args: list[Any]) -> bytes:
        self.before(method, args)
        with self._lock:
            self.calls.append(method)
            try:
                return encode_result(getattr(self, f"do_{method}")(*args))
            except RefusedError as error:
                return encode_error(error.error_class, str(error))

    # --- locks

    def _step(self, event: Any) -> Any:
        self.locks, effects = step(self.locks, event)
        for owner in effects.granted:
            if owner.pid and owner.pid != os.getpid():
                os.kill(owner.pid, signal.SIGHUP)
        return effects

    def take(self, client: list[Any], *wanted: tuple[str, str]) -> None:
        """Take locks for somebody else."""
        with self._lock:
            assert not self.do_updateLocksWaiting(client, 0, [list(pair) for pair in wanted])

    def free(self, client: list[Any]) -> None:
        with self._lock:
            self.do_freeLocks(client)

    def held_by(self, client: list[Any]) -> dict[str, str]:
        with self._lock:
            return dict(self.do_listLocks(client))

    def do_updateLocksWaiting(self, client: list[Any], priority: int, wanted: list[list[str]]) -> Any:
        requests = tuple(Request(parse_lock(lock), parse_mode(mode)) for lock, mode in wanted)
        return [client_of(owner) for owner in self._step(Wait(owner_of(client), priority, requests)).blockers]

    def do_hasPendingRequest(self, client: list[Any]) -> bool:
        return pending_of(self.locks, owner_of(client)) is not None

    def do_freeLocks(self, client: list[Any]) -> list[Any]:
        self._step(Free(owner_of(client)))
        return []

    def do_listLocks(self, client: list[Any]) -> Any:
        return [[lock_name(lock), MODE_NAMES[mode]] for lock, mode in locks_of(self.locks, owner_of(client)).items()]

    def do_guardedOpportunisticLockUnion(self, count: int, client: list[Any], wanted: list[list[str]]) -> Any:
        wishes = tuple(Request(parse_lock(lock), parse_mode(mode)) for lock, mode in wanted)
        return [lock_name(lock) for lock in self._step(Opportunistic(owner_of(client), wishes, count)).taken]

    def do_listAllLocksOwners(self) -> Any:
        found: dict[Lock, list[Any]] = {}
        for lock, owner, mode in self.locks.held:
            found.setdefault(lock, []).append([client_of(owner), MODE_NAMES[mode]])
        return [[lock_name(lock), owners] for lock, owners in found.items()]

    # --- reservations

    def do_generateMAC(self, client: list[Any], network: Any) -> str:
        self.reserved += 1
        return f"aa:00:00:00:00:{self.reserved:02x}"

    def do_reserveMAC(self, client: list[Any], mac: str) -> Any:
        return []

    def do_generateDRBDSecret(self, client: list[Any]) -> str:
        self.reserved += 1
        return f"{self.reserved:040x}"

    def do_reserveLV(self, client: list[Any], volume: str) -> Any:
        if volume in self.volumes:
            raise RefusedError("ReservationError", f"Duplicate reservation for resource '{volume}'")
        self.volumes[volume] = client
        return []

    def do_dropAllReservations(self, client: list[Any]) -> Any:
        self.volumes = {volume: owner for volume, owner in self.volumes.items() if owner != client}
        return []

    def do_computeDRBDMap(self) -> Any:
        return [[node, [[minor, disk]]] for (node, minor), disk in self._minors().items()]

    def _minors(self) -> dict[tuple[str, int], str]:
        found = dict(self.minors)
        for disk in self.config["disks"].values():
            if disk["dev_type"] == "drbd":
                first, second, _, one, two, _ = disk["logical_id"]
                found |= {(first, one): disk["uuid"], (second, two): disk["uuid"]}
        return found

    def do_allocateDRBDMinor(self, disk: str, nodes: list[str]) -> Any:
        used = self._minors()
        found = [next(number for number in range(1000) if (node, number) not in used) for node in nodes]
        self.minors.update(dict.fromkeys(zip(nodes, found, strict=True), disk))
        return found

    def do_releaseDRBDMinors(self, disk: str) -> Any:
        self.minors = {place: owner for place, owner in self.minors.items() if owner != disk}
        return []

    # --- configuration

    def _config_owner(self) -> Owner | None:
        return next((owner for lock, owner, mode in self.locks.held if lock == CONFIG and mode == Mode.EXCLUSIVE), None)

    def do_verifyConfig(self) -> Any:
        return []

    def do_readConfig(self) -> Any:
        return self.config

    def do_readConfigSerial(self) -> Any:
        return self.config["serial_no"]

    def do_lockConfig(self, client: list[Any], shared: bool) -> Any:
        mode = Mode.SHARED if shared else Mode.EXCLUSIVE
        holder = self._config_owner()
        if holder is not None and holder != owner_of(client):
            return None
        self._step(Wait(owner_of(client), 0, (Request(CONFIG, mode),)))
        return self.config

    def do_unlockConfig(self, client: list[Any]) -> Any:
        if CONFIG in locks_of(self.locks, owner_of(client)):
            self._step(Wait(owner_of(client), 0, (Request(CONFIG, Mode.RELEASE),)))
        return []

    def do_writeConfigAndUnlock(self, client: list[Any], config: dict[str, Any]) -> Any:
        if self._config_owner() != owner_of(client):
            raise RefusedError("ConfigurationError", "Requested lock OwnExclusive on the configuration missing")
        self.config = config
        return self.do_unlockConfig(client)

    def _update(self, container: str, item: dict[str, Any]) -> Any:
        if self._config_owner() is not None:
            return None
        old = self.config[container][item["uuid"]]
        if old["serial_no"] != item["serial_no"]:
            raise RefusedError("ConfigurationError", "Configuration object updated meanwhile: serial mismatch")
        self.config = copy.deepcopy(self.config) | {"serial_no": self.config["serial_no"] + 1}
        self.config[container][item["uuid"]] = {**item, "serial_no": old["serial_no"] + 1, "mtime": time.time()}
        return [old["serial_no"] + 1, time.time()]

    def do_updateNode(self, item: dict[str, Any]) -> Any:
        return self._update("nodes", item)

    def do_updateInstance(self, item: dict[str, Any]) -> Any:
        return self._update("instances", item)

    def do_updateNodeGroup(self, item: dict[str, Any]) -> Any:
        return self._update("nodegroups", item)

    def do_updateDisk(self, item: dict[str, Any]) -> Any:
        return self._update("disks", item)


@contextmanager
def serving(path: str, config: dict[str, Any]) -> Iterator[FakeWconfd]:
    fake = FakeWconfd(path, config)
    try:
        yield fake
    finally:
        fake.close()
