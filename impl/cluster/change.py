"""A change of the configuration as a value: objects to put and objects to drop. Pure.

Invariant: a change is applied whole; each object it puts gets a new serial number and modification time, and the
configuration one more. Objects are replaced, never modified in place, so that views of the old one stay true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What to put and what to drop.

    Attributes:
        put: objects by container and UUID.
        drop: UUIDs by container.
        cluster: attributes of the cluster object to set.
    """

    put: Mapping[str, Mapping[str, Object]] = field(default_factory=dict)
    drop: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(any(self.put.values()) or any(self.drop.values()) or self.cluster)

    def single(self) -> tuple[str, Object] | None:
        """Return the container and object, if the change is to put one object and nothing else; else None."""
        if self.cluster or any(self.drop.values()):
            return None
        found = [(container, item) for container, objects in self.put.items() for item in objects.values()]
        return found[0] if len(found) == 1 else None


NO_CHANGE = Change()


def put(container: str, *objects: Object) -> Change:
    """Return the change that puts some objects into a container."""
    return Change(put={container: {str(item["uuid"]): item for item in objects}})


def drop(container: str, *uuids: str) -> Change:
    """Return the change that drops some objects."""
    return Change(drop={container: frozenset(uuids)})


def set_cluster(**attributes: Any) -> Change:
    """Return the change that sets attributes of the cluster."""
    return Change(cluster=attributes)


def together(changes: Iterable[Change]) -> Change:
    """Join several changes into one; later ones win."""
    puts: dict[str, dict[str, Object]] = {}
    drops: dict[str, frozenset[str]] = {}
    cluster: dict[str, Any] = {}
    for change in changes:
        for container, objects in change.put.items():
            puts.setdefault(container, {}).update(objects)
        for container, uuids in change.drop.items():
            drops[container] = drops.get(container, frozenset()) | uuids
        cluster.update(change.cluster)
    return Change(puts, drops, cluster)


def apply(config: Mapping[str, Any], change: Change, now: float) -> dict[str, Any]:
    """Return the configuration after the change.

    Args:
        config: the configuration before; not modified.
        change: what to change.
        now: seconds since the epoch, for the modification times.
    """
    result = dict(config)
    for container in {*change.put, *change.drop}:
        objects = dict(config.get(container) or {})
        for uuid in change.drop.get(container, ()):
            objects.pop(uuid, None)
        for uuid, item in change.put.get(container, {}).items():
            old = objects.get(uuid)
            serial = 1 if old is None else int(old.get("serial_no") or 0) + 1
            created = now if old is None else old.get("ctime", now)
            objects[uuid] = {**item, "serial_no": serial, "ctime": created, "mtime": now}
        result[container] = objects
    cluster = dict(config["cluster"])
    cluster.update(change.cluster)
    cluster["serial_no"] = int(cluster.get("serial_no") or 0) + 1
    cluster["mtime"] = now
    result["cluster"] = cluster
    result["serial_no"] = int(config.get("serial_no") or 0) + 1
    result["mtime"] = now
    return result
