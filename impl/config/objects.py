"""Changes of single objects: update, add, remove, attach, detach, ports, instance state.

Every function changes a draft and returns the call's result; a refused one raises before it changes anything.

Source: Ganeti 3.0.2's object-wise configuration updates (behaviour, serial numbers, error texts).
"""

from typing import Any

from impl.config import facts
from impl.config.errors import ConfigurationError, ProgrammerError, RefusedError, ReservationError
from impl.config.model import TOP, Draft, Value, bumped


def _uuid(value: Value) -> str:
    uuid = value.get("uuid")
    if not isinstance(uuid, str):
        raise ConfigurationError("an object needs the key 'uuid'")
    return uuid


def update(draft: Draft, section: str, value: Value, now: float) -> list[Any]:
    """Replace an object by one that was read at its current serial number.

    An object equal to the current one but for its serial number, one lower, and its modification time was written
    before: an answer got lost, and the current serial number and time are answered again.

    Returns:
        The new serial number and modification time.

    Raises:
        ConfigurationError: the object is unknown, or has changed since it was read.
    """
    key = "cluster" if section == TOP else _uuid(value)
    current = draft.get(section, key)
    if current is None:
        raise ConfigurationError("Configuraton object unknown")
    if _same_but_serial(value, current):
        return [current.get("serial_no", 0), current.get("mtime", 0.0)]
    if value.get("serial_no", 0) != current.get("serial_no", 0):
        raise ConfigurationError(
            "Configuration object updated since it has been read: "
            f"{current.get('serial_no', 0)} != {value.get('serial_no', 0)}"
        )
    new = bumped(value, now)
    draft.put(section, key, new)
    if section == "nodes":
        draft.touch_cluster(now)
    return [new["serial_no"], now]


def _same_but_serial(target: Value, current: Value) -> bool:
    if current.get("serial_no", 0) != target.get("serial_no", 0) + 1:
        return False
    ignored = {"serial_no", "mtime"}
    return {key: item for key, item in target.items() if key not in ignored} == {
        key: item for key, item in current.items() if key not in ignored
    }


def add_instance(draft: Draft, instance: Value, now: float, *, replace: bool) -> None:
    """Add an instance, or with `replace` put it in the place of one with its UUID."""
    uuid, name = _uuid(instance), instance.get("name")
    in_use = {nic.get("mac") for nic in instance.get("nics", ())} & facts.macs(draft.config)
    if in_use:
        raise ConfigurationError(f"Cannot add instance {name}; MAC addresses {sorted(in_use)} already in use")
    _check_uuid(draft, uuid, str(name), replace=replace)
    draft.put("instances", uuid, {**instance, "ctime": now, "mtime": now})


def _check_uuid(draft: Draft, uuid: str, name: str, *, replace: bool) -> None:
    present = uuid in facts.identifiers(draft.config)
    if replace and not present:
        raise ConfigurationError(f"Cannot replace {name}: UUID {uuid} not present")
    if present and not replace:
        raise ConfigurationError(f"Cannot add {name}: UUID {uuid} already in use")


def remove_instance(draft: Draft, uuid: str, now: float) -> None:
    """Remove an instance, if it is there; its network port returns to the pool (its addresses: `reservations`)."""
    instance = draft.get("instances", uuid)
    cluster = draft.get(TOP, "cluster") or {}
    if instance is not None and instance.get("network_port"):
        pool = [instance["network_port"], *cluster.get("tcpudp_port_pool", [])]
        draft.put(TOP, "cluster", {**cluster, "tcpudp_port_pool": pool})
    draft.remove("instances", uuid)
    draft.touch_cluster(now)


def attach_disk(draft: Draft, instance_uuid: str, disk_uuid: str, index: int | None, now: float) -> None:
    """Make a disk one of an instance's, at `index` or at the end."""
    if draft.get("disks", disk_uuid) is None:
        raise ConfigurationError(f"Disk {disk_uuid} doesn't exist")
    instance = _instance(draft, instance_uuid)
    disks = list(instance.get("disks") or ())
    place = len(disks) if index is None else index
    if place < 0:
        raise RefusedError("Not accepting negative indices")
    if place > len(disks):
        raise RefusedError(f"Got disk index {place}, but there are only {len(disks)}")
    for other in draft.config.values("instances"):
        if disk_uuid in (other.get("disks") or ()):
            raise ReservationError(f'Disk {disk_uuid} already attached to instance "{other.get("name", "")}"')
    disks.insert(place, disk_uuid)
    draft.put("instances", instance_uuid, bumped({**instance, "disks": disks}, now))
    _number_disks(draft, disks, place)


def _number_disks(draft: Draft, disks: list[str], start: int) -> None:
    for index, uuid in enumerate(disks[start:], start):
        disk = draft.get("disks", uuid)
        if disk is None:
            raise ConfigurationError(f"Could not find disk with UUID {uuid}")
        draft.put("disks", uuid, {**disk, "iv_name": f"disk/{index}"})


def add_disk(draft: Draft, instance_uuid: str, disk: Value, index: int | None, now: float, *, replace: bool) -> None:
    """Add a disk and attach it to an instance."""
    _check_uuid(draft, _uuid(disk), str(disk.get("name")), replace=replace)
    draft.put("disks", _uuid(disk), disk)
    attach_disk(draft, instance_uuid, _uuid(disk), index, now)


def detach_disk(draft: Draft, instance_uuid: str, disk_uuid: str, now: float) -> None:
    """Take a disk from an instance, if it is one of its."""
    instance = _instance(draft, instance_uuid)
    disks = list(instance.get("disks") or ())
    if disk_uuid not in disks:
        return
    place = disks.index(disk_uuid)
    rest = [uuid for uuid in disks if uuid != disk_uuid]
    _number_disks(draft, rest, place)
    draft.put("instances", instance_uuid, bumped({**instance, "disks": rest}, now))


def remove_disk(draft: Draft, instance_uuid: str, disk_uuid: str, now: float) -> None:
    """Detach a disk and remove it."""
    for key, known in draft.config.objects("instances").items():
        if key != instance_uuid and disk_uuid in (known.value.get("disks") or ()):
            raise ProgrammerError(f"Cannot remove disk {disk_uuid}. Disk is attached to an instance")
    detach_disk(draft, instance_uuid, disk_uuid, now)
    if draft.get("disks", disk_uuid) is not None:
        draft.remove("disks", disk_uuid)
        draft.touch_cluster(now)


def _instance(draft: Draft, uuid: str) -> Value:
    instance = draft.get("instances", uuid)
    if instance is None:
        raise ConfigurationError(f"Could not find instance with UUID {uuid}")
    return instance


def allocate_port(draft: Draft) -> int:
    """Take a port from the pool, or the next one that was never used."""
    cluster = draft.get(TOP, "cluster") or {}
    pool = cluster.get("tcpudp_port_pool") or []
    if pool:
        draft.put(TOP, "cluster", {**cluster, "tcpudp_port_pool": pool[1:]})
        return int(pool[0])
    highest = int(cluster.get("highest_used_port", 0))
    if highest >= facts.LAST_PORT:
        raise ConfigurationError(f"The highest used port is greater than {facts.LAST_PORT}. Aborting.")
    draft.put(TOP, "cluster", {**cluster, "highest_used_port": highest + 1})
    return highest + 1


def add_port(draft: Draft, port: int) -> None:
    """Give a port back to the pool."""
    cluster = draft.get(TOP, "cluster") or {}
    pool = [port, *(known for known in cluster.get("tcpudp_port_pool") or [] if known != port)]
    draft.put(TOP, "cluster", {**cluster, "tcpudp_port_pool": pool})


def set_instance_status(
    draft: Draft, uuid: str, admin: str | None, disks_active: bool | None, source: str | None, now: float
) -> Value:
    """Set what is given of an instance's state; a call that changes nothing bumps nothing."""
    instance = _instance(draft, uuid)
    given = {"admin_state": admin, "disks_active": disks_active, "admin_state_source": source}
    wanted = {key: item for key, item in given.items() if item is not None}
    if all(instance.get(key) == item for key, item in wanted.items()):
        return instance
    new = bumped({**instance, **wanted}, now)
    draft.put("instances", uuid, new)
    return new


def set_primary_node(draft: Draft, uuid: str, node: str) -> None:
    """Set an instance's primary node."""
    draft.put("instances", uuid, {**_instance(draft, uuid), "primary_node": node})


def add(draft: Draft, section: str, value: Value, now: float) -> None:
    """Add an object of any section under its own UUID."""
    uuid = _uuid(value)
    _check_uuid(draft, uuid, str(value.get("name", uuid)), replace=False)
    draft.put(section, uuid, {"serial_no": 1, "ctime": now, **value, "mtime": now})
    draft.touch_cluster(now)


def remove(draft: Draft, section: str, uuid: str, now: float) -> None:
    """Remove an object of any section that nothing refers to.

    Raises:
        ConfigurationError: it is unknown, or still referred to.
    """
    if draft.get(section, uuid) is None:
        raise ConfigurationError(f"Could not find {section} with UUID {uuid}")
    users = _users(draft, section, uuid)
    if users:
        raise ConfigurationError(f"Cannot remove {uuid} from {section}: {', '.join(sorted(users)[:5])} still use it")
    draft.remove(section, uuid)
    draft.touch_cluster(now)


def _users(draft: Draft, section: str, uuid: str) -> list[str]:
    """Return the names of the objects that refer to one; of disks that refer to a node, their UUIDs."""
    config = draft.config
    if section == "nodegroups":
        return [str(node.get("name")) for node in config.values("nodes") if node.get("group") == uuid]
    if section == "nodes":
        primaries = [str(one.get("name")) for one in config.values("instances") if one.get("primary_node") == uuid]
        return primaries + [
            str(disk.get("uuid")) for disk in config.values("disks") if uuid in (disk.get("nodes") or ())
        ]
    if section == "disks":
        return [str(one.get("name")) for one in config.values("instances") if uuid in (one.get("disks") or ())]
    if section == "networks":
        return [
            str(one.get("name"))
            for one in config.values("instances")
            if any(nic.get("network") == uuid for nic in one.get("nics", ()))
        ]
    return []
