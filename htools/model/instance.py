"""An instance in the working model: what it needs, and where it is."""

from typing import Protocol

from htools.model.copying import copier
from spec.allocator.cluster import DiskTemplate, Instance

NO_NODE = -1
"""The secondary of an instance that has none."""


class Places(Protocol):
    """The part of a node that an instance reads."""

    index: int
    location_tags: frozenset[str]


class InstanceModel:
    """An instance: what it needs (fixed) and where it is (`primary`, `secondary`, `location_score`).

    Attributes:
        instance: as the backend reported it (on the nodes where it was found).
        memory: MiB it has; `used_memory` what it takes of its primary; `failover_memory` what its secondary keeps.
        disk: MiB taken from each of its nodes, 0 where storage is not local.
        vcpus: cores it is counted for.
        spindle_use: spindles it is counted for on its nodes, 0 where storage is not local.
        spindles: spindles its disks occupy with exclusive storage, None if unknown.
        load: utilisation as (cpu, memory, disk, network).
    """

    __slots__ = (
        "alias", "desired_locations", "disk", "exclusion_tags", "failover_memory", "forthcoming", "index",
        "instance", "load", "local", "location_score", "memory", "mirrored", "movable", "name", "primary",
        "secondary", "spindle_use", "spindles", "used_memory", "vcpus",
    )  # fmt: skip

    def __init__(self, index: int, instance: Instance) -> None:
        self.index = index
        self.instance = instance
        self.name = self.alias = instance.name
        self.primary = instance.primary
        self.secondary = NO_NODE if instance.secondary is None else instance.secondary
        self.memory = instance.memory
        self.used_memory = instance.memory if instance.uses_memory else 0
        self.failover_memory = instance.memory if instance.uses_secondary_memory else 0
        self.local = instance.uses_local_storage
        self.mirrored = instance.disk_template is DiskTemplate.DRBD
        self.disk = instance.disk if self.local else 0
        self.vcpus = instance.vcpus if instance.online else 0
        self.spindle_use = instance.spindle_use if self.local else 0
        self.spindles = instance.total_spindles
        self.forthcoming = instance.forthcoming
        load = instance.utilisation
        self.load = (load.cpu, load.memory, load.disk, load.network)
        self.exclusion_tags: tuple[str, ...] = ()
        self.desired_locations: frozenset[str] = frozenset()
        self.location_score = 0
        self.movable = False

    def copy(self) -> "InstanceModel":
        """Return an independent copy."""
        other = object.__new__(InstanceModel)
        _copy(self, other)
        return other

    def on(self, primary: Places, secondary: Places) -> "InstanceModel":
        """Return the instance on two nodes, its location score that of the places they share."""
        other = self.copy()
        other.primary, other.secondary = primary.index, secondary.index
        other.location_score = len(primary.location_tags & secondary.location_tags)
        return other

    def at(self, primary: int, secondary: int) -> "InstanceModel":
        """Return the instance on other nodes, its location score unchanged."""
        other = self.copy()
        other.primary, other.secondary = primary, secondary
        return other

    def current(self) -> Instance:
        """Return the instance as a value of `spec.allocator.cluster`, on the nodes it is on now."""
        from dataclasses import replace

        secondary = None if self.secondary == NO_NODE else self.secondary
        return replace(self.instance, primary=self.primary, secondary=secondary)


_copy = copier(InstanceModel.__slots__)
