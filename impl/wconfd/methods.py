"""The table of wconfd's methods: how each one's arguments are read, and what it does. Pure.

A method that the daemon itself must serve (it waits, or touches processes or files) is in `DAEMON_METHODS`, by name.

Source: Ganeti 3.0.2's wconfd: method names, argument order, results, error texts. The last group of each table is
ours and documented in docs/wconfd.md.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from impl.config import facts, networks, objects
from impl.config import reservations as temporary
from impl.config.errors import RefusedError, VerificationError
from impl.config.model import SECTIONS, TOP, Draft, from_value
from impl.locks import view
from impl.wconfd.core import Call
from impl.wire import wconfd as codec
from impl.wire.wconfd import InputError, array, boolean, integer, level, lock, mapping, owner, requests, text, wishes
from spec.locks.model import Downgrade, Effects, Free, FreeLevel, Intersect, Opportunistic, Try, Wait
from spec.locks.names import BGL, CONFIG_LOCK, Level, Lock, Mode, Owner, Request, lock_name

UNIT: list[Any] = []
"""What a method without a result answers."""

Reader = Callable[[Any], Any]


class Method(NamedTuple):
    """One method: how its arguments are read, and what it does with them."""

    readers: tuple[Reader, ...]
    run: Callable[..., Any]


class UnknownMethodError(RefusedError):
    """There is no method of that `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"No such method: {name}")


def optional(reader: Reader) -> Reader:
    """A reader that takes null too."""
    return lambda value: None if value is None else reader(value)


def texts(value: Any) -> list[str]:
    """Read a list of strings."""
    return [text(entry) for entry in array(value)]


def locks(value: Any) -> frozenset[Lock]:
    """Read a list of lock names."""
    return frozenset(lock(entry) for entry in array(value))


def read_arguments(name: str, readers: tuple[Reader, ...], arguments: tuple[Any, ...]) -> list[Any]:
    """Read a method's arguments.

    Raises:
        InputError: their number or one of them is wrong.
    """
    if len(arguments) != len(readers):
        if not readers:
            raise InputError("Unable to read ()")
        if len(readers) == 2:
            raise InputError("Unable to read Pair")
        if len(readers) == 1:
            raise InputError("Unable to read 1 tuple")
        raise InputError(f"Unable to read {len(readers)} arguments: {name} was given {len(arguments)}")
    return [reader(argument) for reader, argument in zip(readers, arguments, strict=True)]


def _owners(effects: Effects) -> list[Any]:
    return [codec.owner_json(blocker) for blocker in effects.blockers]


# -- locks


def _try(call: Call, who: Owner, wanted: tuple[Request, ...]) -> list[Any]:
    return _owners(call.lock(Try(who, wanted)))


def _wait(call: Call, who: Owner, priority: int, wanted: tuple[Request, ...]) -> list[Any]:
    return _owners(call.lock(Wait(who, priority, wanted)))


def _free(call: Call, who: Owner) -> list[Any]:
    call.lock(Free(who))
    return UNIT


def _free_level(call: Call, who: Owner, its_level: Level) -> list[Any]:
    call.lock(FreeLevel(who, its_level))
    return UNIT


def _downgrade(call: Call, who: Owner, its_level: Level) -> list[Any]:
    call.lock(Downgrade(who, its_level))
    return UNIT


def _intersect(call: Call, who: Owner, kept: frozenset[Lock]) -> list[Any]:
    call.lock(Intersect(who, kept))
    return UNIT


def _guarded(call: Call, at_least: int, who: Owner, wanted: tuple[Request, ...]) -> list[str]:
    return [lock_name(taken) for taken in call.lock(Opportunistic(who, wanted, at_least)).taken]


def _union(call: Call, who: Owner, wanted: tuple[Request, ...]) -> list[str]:
    return _guarded(call, 0, who, wanted)


def _list_locks(call: Call, who: Owner) -> list[Any]:
    return codec.locks_json(view.held_locks(call.state.locks, who))


def _list_all(call: Call) -> list[str]:
    return [lock_name(known) for known in view.all_locks(call.state.locks)]


def _list_owners(call: Call) -> list[Any]:
    return codec.owners_json(call.state.locks)


def _list_waiting(call: Call) -> list[Any]:
    waiting = [codec.pending_json(pending) for pending in view.all_pending(call.state.locks)]
    return [codec.owners_json(call.state.locks), waiting]


def _has_pending(call: Call, who: Owner) -> bool:
    return who in call.state.locks.waiting


# -- the configuration as a whole


def _read_config(call: Call) -> msgspec.Raw:
    return call.config_text()


def _require_config_lock(call: Call, who: Owner) -> None:
    if not call.holds_config(who, Mode.EXCLUSIVE):
        raise RefusedError("Requested lock OwnExclusive on the configuration missing")


def _replace_config(call: Call, value: dict[str, Any]) -> None:
    new = from_value(value)
    draft = Draft(call.state.config)
    draft.replace_all(new)
    call.put_config(*draft.finish(call.now, always=True))


def _write_config(call: Call, who: Owner, value: dict[str, Any]) -> list[Any]:
    _require_config_lock(call, who)
    _replace_config(call, value)
    return UNIT


def _verify_config(call: Call) -> list[Any]:
    found = facts.problems(call.config)
    if found:
        raise VerificationError(found)
    return UNIT


def _lock_config(call: Call, who: Owner, shared: bool) -> Any:
    mode = Mode.SHARED if shared else Mode.EXCLUSIVE
    if not call.holds_config(who, mode):
        if call.state.config.empty:
            return call.config_text()
        if call.lock(Try(who, (Request(CONFIG_LOCK, mode),))).blockers:
            return None
    return call.config_text()


def _unlock_config(call: Call, who: Owner) -> list[Any]:
    return _free_level(call, who, Level.CONFIG)


def _write_and_unlock(call: Call, who: Owner, value: dict[str, Any]) -> bool:
    if not call.holds_config(who, Mode.EXCLUSIVE):
        return False
    _replace_config(call, value)
    _unlock_config(call, who)
    return True


# -- single objects: nothing is changed, and null or false answered, while somebody holds the configuration lock


def _object(change: Callable[..., None]) -> Callable[..., bool]:
    def run(call: Call, *arguments: Any) -> bool:
        if call.config_is_locked:
            return False
        call.change_config(lambda draft: change(call, draft, *arguments))
        return True

    return run


def _valued(change: Callable[..., Any]) -> Callable[..., Any]:
    def run(call: Call, *arguments: Any) -> Any:
        if call.config_is_locked:
            return None
        return call.change_config(lambda draft: change(call, draft, *arguments))

    return run


def _update(section: str) -> Method:
    def run(call: Call, draft: Draft, value: dict[str, Any]) -> list[Any]:
        result = objects.update(draft, section, value, call.now)
        if section == "disks":
            call.put_reservations(*temporary.release_minors(call.state.reservations, value["uuid"]))
        return result

    return Method((mapping,), _valued(run))


def _add_instance(call: Call, draft: Draft, value: dict[str, Any], who: Owner, replace: bool) -> None:
    objects.add_instance(draft, value, call.now, replace=replace)
    temporary.commit_ips(call.state.reservations, draft, who)
    call.put_reservations(*temporary.release_minors(call.state.reservations, value["uuid"]))


def _remove_instance(call: Call, draft: Draft, uuid: str) -> None:
    temporary.release_instance_ips(draft, uuid)
    objects.remove_instance(draft, uuid, call.now)


def _add_disk(call: Call, draft: Draft, instance: str, disk: dict[str, Any], index: int | None, replace: bool) -> None:
    objects.add_disk(draft, instance, disk, index, call.now, replace=replace)
    call.put_reservations(*temporary.release_minors(call.state.reservations, disk["uuid"]))


def _attach_disk(call: Call, draft: Draft, instance: str, disk: str, index: int | None) -> None:
    objects.attach_disk(draft, instance, disk, index, call.now)


def _detach_disk(call: Call, draft: Draft, instance: str, disk: str) -> None:
    objects.detach_disk(draft, instance, disk, call.now)


def _remove_disk(call: Call, draft: Draft, instance: str, disk: str) -> None:
    objects.remove_disk(draft, instance, disk, call.now)


def _set_status(
    call: Call, draft: Draft, uuid: str, admin: str | None, active: bool | None, source: str | None
) -> dict[str, Any]:
    return objects.set_instance_status(draft, uuid, admin, active, source, call.now)


def _set_primary(_call: Call, draft: Draft, uuid: str, node: str) -> None:
    objects.set_primary_node(draft, uuid, node)


def _allocate_port(_call: Call, draft: Draft) -> int:
    return objects.allocate_port(draft)


def _add_port(_call: Call, draft: Draft, port: int) -> None:
    objects.add_port(draft, port)


def _section(value: Any) -> str:
    if value not in SECTIONS:
        raise InputError(f"Unknown section {value!r:.60}: expected one of {', '.join(SECTIONS)}")
    return str(value)


def _add_object(call: Call, draft: Draft, section: str, value: dict[str, Any]) -> None:
    objects.add(draft, section, value, call.now)


def _remove_object(call: Call, draft: Draft, section: str, uuid: str) -> None:
    objects.remove(draft, section, uuid, call.now)


def _read_object(call: Call, section: str, uuid: str) -> Any:
    known = call.config.objects(section).get(uuid)
    return None if known is None else msgspec.Raw(known.text)


def _read_cluster(call: Call) -> Any:
    return msgspec.Raw(call.config.objects(TOP)["cluster"].text)


def _read_serial(call: Call) -> int:
    return call.config.serial


# -- temporary reservations


def _drop_all(call: Call, who: Owner) -> list[Any]:
    call.put_reservations(*temporary.drop_all(call.state.reservations, who))
    return UNIT


def _drbd_map(call: Call) -> Any:
    return temporary.drbd_map(call.state.reservations, call.config)


def _allocate_minor(call: Call, disk: str, nodes: list[str]) -> list[int]:
    state, changes, minors = temporary.allocate_minors(call.state.reservations, call.config, disk, nodes)
    call.put_reservations(state, changes)
    return minors


def _release_minors(call: Call, disk: str) -> list[Any]:
    call.put_reservations(*temporary.release_minors(call.state.reservations, disk))
    return UNIT


def _reserve_mac(call: Call, who: Owner, mac: str) -> list[Any]:
    call.put_reservations(*temporary.reserve_mac(call.state.reservations, call.config, who, mac))
    return UNIT


def _generated(call: Call, outcome: temporary.Outcome) -> str:
    call.put_reservations(*outcome)
    return str(outcome[1][0].item)


def _generate_mac(call: Call, who: Owner, network: str | None) -> str:
    return _generated(call, temporary.generate_mac(call.state.reservations, call.config, who, network, call.draw))


def _generate_secret(call: Call, who: Owner) -> str:
    return _generated(call, temporary.generate_secret(call.state.reservations, call.config, who, call.draw))


def _reserve_volume(call: Call, who: Owner, volume: str) -> list[Any]:
    call.put_reservations(*temporary.reserve_volume(call.state.reservations, call.config, who, volume))
    return UNIT


def _address(value: Any) -> str:
    return networks.address(text(value))


def _reserve_ip(call: Call, who: Owner, network: str, ip: str, check_external: bool) -> list[Any]:
    state = call.state.reservations
    outcome = temporary.reserve_ip(state, call.config, who, network, ip, check_external=check_external)
    call.put_reservations(*outcome)
    return UNIT


def _release_ip(call: Call, who: Owner, network: str, ip: str) -> list[Any]:
    call.put_reservations(*temporary.release_ip(call.state.reservations, who, network, ip))
    return UNIT


def _generate_ip(call: Call, who: Owner, network: str) -> str:
    outcome, ip = temporary.generate_ip(call.state.reservations, call.config, who, network)
    call.put_reservations(*outcome)
    return ip


def _commit_ips(call: Call, who: Owner) -> list[Any]:
    call.change_config(lambda draft: temporary.commit_ips(call.state.reservations, draft, who))
    return UNIT


def _commit_release_ip(call: Call, network: str, ip: str) -> list[Any]:
    call.change_config(lambda draft: temporary.commit_ip(draft, network, ip, used=False))
    return UNIT


def _list_ips(call: Call, who: Owner) -> list[Any]:
    return [codec.item_json(temporary.IPS, item) for item in sorted(call.state.reservations.of(temporary.IPS, who))]


# -- the end of a cluster

_ABOVE_ALL = -21
"""More urgent than any job's priority."""


def _prepare_destruction(call: Call, who: Owner) -> list[Any]:
    if call.state.locks.locks_of(who).get(BGL) != Mode.EXCLUSIVE:
        raise RefusedError("Cluster destruction requested without owning BGL exclusively")
    call.lock(Wait(call.me, _ABOVE_ALL, (Request(BGL, Mode.EXCLUSIVE),)))
    call.lock(Try(who, (Request(BGL, Mode.RELEASE),)))
    call.change_config(lambda draft: draft.put(TOP, "cluster", {**call.config.cluster, "master_node": ""}))
    return UNIT


def _echo(_call: Call, said: str) -> str:
    return said


METHODS: dict[str, Method] = {
    "tryUpdateLocks": Method((owner, requests), _try),
    "updateLocksWaiting": Method((owner, integer, requests), _wait),
    "hasPendingRequest": Method((owner,), _has_pending),
    "listLocks": Method((owner,), _list_locks),
    "listAllLocks": Method((), _list_all),
    "listAllLocksOwners": Method((), _list_owners),
    "listLocksWaitingStatus": Method((), _list_waiting),
    "freeLocks": Method((owner,), _free),
    "freeLocksLevel": Method((owner, level), _free_level),
    "downGradeLocksLevel": Method((owner, level), _downgrade),
    "intersectLocks": Method((owner, locks), _intersect),
    "opportunisticLockUnion": Method((owner, wishes), _union),
    "guardedOpportunisticLockUnion": Method((integer, owner, wishes), _guarded),
    "readConfig": Method((), _read_config),
    "writeConfig": Method((owner, mapping), _write_config),
    "verifyConfig": Method((), _verify_config),
    "lockConfig": Method((owner, boolean), _lock_config),
    "unlockConfig": Method((owner,), _unlock_config),
    "writeConfigAndUnlock": Method((owner, mapping), _write_and_unlock),
    "updateCluster": _update(TOP),
    "updateNode": _update("nodes"),
    "updateInstance": _update("instances"),
    "updateNodeGroup": _update("nodegroups"),
    "updateNetwork": _update("networks"),
    "updateDisk": _update("disks"),
    "addInstance": Method((mapping, owner, boolean), _object(_add_instance)),
    "removeInstance": Method((text,), _object(_remove_instance)),
    "addInstanceDisk": Method((text, mapping, optional(integer), boolean), _object(_add_disk)),
    "attachInstanceDisk": Method((text, text, optional(integer)), _object(_attach_disk)),
    "detachInstanceDisk": Method((text, text), _object(_detach_disk)),
    "removeInstanceDisk": Method((text, text), _object(_remove_disk)),
    "setInstanceStatus": Method((text, optional(text), optional(boolean), optional(text)), _valued(_set_status)),
    "setInstancePrimaryNode": Method((text, text), _object(_set_primary)),
    "allocatePort": Method((), _valued(_allocate_port)),
    "addTcpUdpPort": Method((integer,), _object(_add_port)),
    "dropAllReservations": Method((owner,), _drop_all),
    "computeDRBDMap": Method((), _drbd_map),
    "allocateDRBDMinor": Method((text, texts), _allocate_minor),
    "releaseDRBDMinors": Method((text,), _release_minors),
    "reserveMAC": Method((owner, text), _reserve_mac),
    "generateMAC": Method((owner, optional(text)), _generate_mac),
    "generateDRBDSecret": Method((owner,), _generate_secret),
    "reserveLV": Method((owner, text), _reserve_volume),
    "reserveIp": Method((owner, text, _address, boolean), _reserve_ip),
    "releaseIp": Method((owner, text, _address), _release_ip),
    "generateIp": Method((owner, text), _generate_ip),
    "commitTemporaryIps": Method((owner,), _commit_ips),
    "commitReleaseTemporaryIp": Method((text, _address), _commit_release_ip),
    "listReservedIps": Method((owner,), _list_ips),
    "prepareClusterDestruction": Method((owner,), _prepare_destruction),
    # ours
    "addObject": Method((_section, mapping), _object(_add_object)),
    "removeObject": Method((_section, text), _object(_remove_object)),
    "readObject": Method((_section, text), _read_object),
    "readCluster": Method((), _read_cluster),
    "readConfigSerial": Method((), _read_serial),
}

DRAWING = frozenset({"generateMAC", "generateDRBDSecret"})
"""Methods that need a number drawn at random."""

STATELESS: dict[str, Method] = {"echo": Method((text,), _echo)}
"""Methods whose answers depend on no state."""


def seconds(value: Any) -> float:
    """Read a number of seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise InputError("Unable to read seconds: expected a number, 0 or more")
    return float(value)


DAEMON_METHODS: dict[str, tuple[Reader, ...]] = {
    "cleanupLocks": (),
    "flushConfig": (),
    "flushConfigGroup": (text,),
    # ours
    "waitForGrant": (owner, seconds),
    "describeLocks": (),
}
"""Methods that the daemon itself serves, with the readers of their arguments."""


def apply(call: Call, name: str, arguments: tuple[Any, ...]) -> Any:
    """Perform one call, and answer its result.

    Args:
        call: a fresh call; it has the state after and all that changed, if nothing is raised.
        name: the method.
        arguments: as decoded from JSON.

    Raises:
        RefusedError: the method or its arguments cannot be, or the configuration does not allow it.
        LockError: the lock rules do not allow it.
    """
    method = METHODS.get(name) or STATELESS.get(name)
    if method is None:
        raise UnknownMethodError(name)
    return method.run(call, *read_arguments(name, method.readers, arguments))
