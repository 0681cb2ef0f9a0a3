"""What the methods of the configuration do. Pure.

Source: Ganeti 3.0.2's wconfd: argument order, results, error texts. The last group is ours (docs/wconfd.md).
"""

from collections.abc import Callable
from typing import Any

import msgspec

from impl.config import facts, objects
from impl.config import reservations as temporary
from impl.config.errors import RefusedError, VerificationError
from impl.config.model import SECTIONS, TOP, Draft, from_value
from impl.config.shapes import check_object
from impl.config.version import check_version
from impl.wconfd.core import Call
from impl.wconfd.method import UNIT, Method, optional
from impl.wire.wconfd import InputError, boolean, bounded_mapping, integer, mapping, name, owner, port
from spec.locks.model import FreeLevel, Try
from spec.locks.names import CONFIG_LOCK, Level, Mode, Owner, Request

# -- the configuration as a whole


def _read_config(call: Call) -> msgspec.Raw:
    return call.config_text()


def _require_config_lock(call: Call, who: Owner) -> None:
    if not call.holds_config(who, Mode.EXCLUSIVE):
        raise RefusedError("Requested lock OwnExclusive on the configuration missing")


def _replace_config(call: Call, value: dict[str, Any]) -> None:
    new = from_value(value)
    check_version(new.get(TOP, "version"), "what is to be written")
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
    call.lock(FreeLevel(who, Level.CONFIG))
    return UNIT


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
        check_object(section or "cluster", value)
        result = objects.update(draft, section, value, call.now)
        if section == "disks":
            call.put_reservations(*temporary.release_minors(call.state.reservations, value["uuid"]))
        return result

    return Method((bounded_mapping,), _valued(run))


def _add_instance(call: Call, draft: Draft, value: dict[str, Any], who: Owner, replace: bool) -> None:
    check_object("instances", value)
    objects.add_instance(draft, value, call.now, replace=replace)
    temporary.commit_ips(call.state.reservations, draft, who)
    call.put_reservations(*temporary.release_minors(call.state.reservations, value["uuid"]))


def _remove_instance(call: Call, draft: Draft, uuid: str) -> None:
    temporary.release_instance_ips(draft, uuid)
    objects.remove_instance(draft, uuid, call.now)


def _add_disk(call: Call, draft: Draft, instance: str, disk: dict[str, Any], index: int | None, replace: bool) -> None:
    check_object("disks", disk)
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
    if not isinstance(value, str) or value not in SECTIONS:
        raise InputError(f"Unknown section {value!r:.60}: expected one of {', '.join(SECTIONS)}")
    return str(value)


def _add_object(call: Call, draft: Draft, section: str, value: dict[str, Any]) -> None:
    check_object(section, value)
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


CONFIG_METHODS: dict[str, Method] = {
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
    "addInstance": Method((bounded_mapping, owner, boolean), _object(_add_instance)),
    "removeInstance": Method((name,), _object(_remove_instance)),
    "addInstanceDisk": Method((name, bounded_mapping, optional(integer), boolean), _object(_add_disk)),
    "attachInstanceDisk": Method((name, name, optional(integer)), _object(_attach_disk)),
    "detachInstanceDisk": Method((name, name), _object(_detach_disk)),
    "removeInstanceDisk": Method((name, name), _object(_remove_disk)),
    "setInstanceStatus": Method((name, optional(name), optional(boolean), optional(name)), _valued(_set_status)),
    "setInstancePrimaryNode": Method((name, name), _object(_set_primary)),
    "allocatePort": Method((), _valued(_allocate_port)),
    "addTcpUdpPort": Method((port,), _object(_add_port)),
    # ours
    "addObject": Method((_section, bounded_mapping), _object(_add_object)),
    "removeObject": Method((_section, name), _object(_remove_object)),
    "readObject": Method((_section, name), _read_object),
    "readCluster": Method((), _read_cluster),
    "readConfigSerial": Method((), _read_serial),
}
