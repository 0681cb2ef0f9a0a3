"""The vocabulary of the allocator: what a cluster is, as every backend reads it.

Here are the values that the text format, LUXI, RAPI and iallocator requests carry, frozen and ordered; nothing derived
(free fractions, N+1, scores: `spec.allocator.state`, `spec.allocator.accounts`, `spec.allocator.score`) and no
behaviour. Invariants: `Node.group`, `Instance.primary` and `Instance.secondary` are positions in the
cluster's tuples; the primary and secondary of a mirrored instance differ; sizes are MiB, processors are cores.

Source: man pages htools(1), hscan(1), ganeti(7), and the fields that Ganeti's programs read from each backend.
"""

from dataclasses import dataclass, field
from enum import Enum, StrEnum


class DiskTemplate(StrEnum):
    """How the disks of an instance are kept; the values are the names on the wire, in Ganeti's order."""

    DISKLESS = "diskless"
    FILE = "file"
    SHARED_FILE = "sharedfile"
    PLAIN = "plain"
    BLOCK = "blockdev"
    DRBD = "drbd"
    RBD = "rbd"
    EXT = "ext"
    GLUSTER = "gluster"


class MirrorType(Enum):
    """Where a second copy of the disks is: nowhere, on a secondary node, or on storage that every node reaches."""

    NONE = "none"
    INTERNAL = "internal"
    EXTERNAL = "external"


MIRROR_TYPE: dict[DiskTemplate, MirrorType] = {
    DiskTemplate.DISKLESS: MirrorType.EXTERNAL,
    DiskTemplate.FILE: MirrorType.NONE,
    DiskTemplate.SHARED_FILE: MirrorType.EXTERNAL,
    DiskTemplate.PLAIN: MirrorType.NONE,
    DiskTemplate.BLOCK: MirrorType.EXTERNAL,
    DiskTemplate.DRBD: MirrorType.INTERNAL,
    DiskTemplate.RBD: MirrorType.EXTERNAL,
    DiskTemplate.EXT: MirrorType.EXTERNAL,
    DiskTemplate.GLUSTER: MirrorType.EXTERNAL,
}
"""The kind of mirroring that each disk template gives."""

LOCAL_STORAGE = frozenset({DiskTemplate.DRBD, DiskTemplate.PLAIN})
"""Templates whose disks are counted against the node's disk (file-based ones are not, as in Ganeti's model)."""

BALANCED_TEMPLATES = frozenset(
    {
        DiskTemplate.DRBD,
        DiskTemplate.BLOCK,
        DiskTemplate.SHARED_FILE,
        DiskTemplate.GLUSTER,
        DiskTemplate.RBD,
        DiskTemplate.EXT,
    }
)
"""Templates whose instances balancing may move. Diskless ones are mirrored externally and yet not moved."""


class Hypervisor(StrEnum):
    """What runs the instances; the values are the names on the wire."""

    KVM = "kvm"
    XEN_PVM = "xen-pvm"
    XEN_HVM = "xen-hvm"
    CHROOT = "chroot"
    LXC = "lxc"
    FAKE = "fake"


class InstanceStatus(StrEnum):
    """The run state of an instance as Ganeti reports it; the values are the names on the wire."""

    ADMIN_DOWN = "ADMIN_down"
    ADMIN_OFFLINE = "ADMIN_offline"
    ERROR_DOWN = "ERROR_down"
    ERROR_UP = "ERROR_up"
    NODE_DOWN = "ERROR_nodedown"
    NODE_OFFLINE = "ERROR_nodeoffline"
    RUNNING = "running"
    USER_DOWN = "USER_down"
    WRONG_NODE = "ERROR_wrongnode"


RUNNING_STATES = frozenset({InstanceStatus.RUNNING, InstanceStatus.ERROR_UP})
"""States in which an instance is migrated rather than failed over."""

MEMORY_STATES = frozenset(
    {
        InstanceStatus.ERROR_UP,
        InstanceStatus.NODE_DOWN,
        InstanceStatus.NODE_OFFLINE,
        InstanceStatus.RUNNING,
        InstanceStatus.WRONG_NODE,
    }
)
"""States in which an instance occupies memory of its primary node."""


class AllocPolicy(StrEnum):
    """Whether new instances may be placed in a group."""

    PREFERRED = "preferred"
    LAST_RESORT = "last_resort"
    UNALLOCABLE = "unallocable"


@dataclass(frozen=True, slots=True)
class ISpec:
    """Sizes of an instance, as bounds or as the standard: MiB, cores, counts."""

    memory: int
    cpus: int
    disk_size: int
    disk_count: int
    nic_count: int
    spindle_use: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """One pair of smallest and largest instance that a policy allows."""

    minimum: ISpec
    maximum: ISpec


@dataclass(frozen=True, slots=True)
class Policy:
    """An instance policy (ipolicy) of the cluster or of a group.

    Attributes:
        bounds: an instance must fit one of these pairs (all may do, if there is none).
        standard: the standard instance, used by hspace and hsqueeze.
        disk_templates: the allowed templates.
        vcpu_ratio: largest allowed virtual cores per core.
        spindle_ratio: largest allowed spindle use per spindle.
    """

    bounds: tuple[Bounds, ...]
    standard: ISpec
    disk_templates: tuple[DiskTemplate, ...]
    vcpu_ratio: float
    spindle_ratio: float


DEFAULT_POLICY = Policy(
    bounds=(Bounds(ISpec(128, 1, 1024, 1, 1, 1), ISpec(32768, 8, 1024 * 1024, 16, 8, 12)),),
    standard=ISpec(128, 1, 1024, 1, 1, 1),
    disk_templates=tuple(DiskTemplate),
    vcpu_ratio=4.0,
    spindle_ratio=32.0,
)
"""The policy of a cluster or group that names none."""


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Dynamic load of an instance in units of an average instance's: processor, memory, disk, network."""

    cpu: float = 1.0
    memory: float = 1.0
    disk: float = 1.0
    network: float = 1.0


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk of an instance: MiB, and the spindles it occupies where they are known."""

    size: int
    spindles: int | None = None


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface as iallocator requests describe it; every field may be unknown."""

    mac: str | None = None
    ip: str | None = None
    mode: str | None = None
    link: str | None = None
    bridge: str | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A node group; `networks` are the UUIDs of the networks it is connected to."""

    name: str
    uuid: str
    alloc_policy: AllocPolicy = AllocPolicy.PREFERRED
    networks: tuple[str, ...] = ()
    policy: Policy = DEFAULT_POLICY
    tags: tuple[str, ...] = ()

    def missing_networks(self, instance: "Instance") -> set[str]:
        """Return the networks that an instance asks for and the group lacks; with none it can take the instance."""
        return {nic.network for nic in instance.nics if nic.network is not None} - set(self.networks)


@dataclass(frozen=True, slots=True)
class Node:
    """A physical node as reported.

    Attributes:
        name: the full name.
        group: position of its group in `Cluster.groups`.
        total_memory: MiB (a float as in Ganeti, which computes fractions with it).
        node_memory: MiB that the node itself uses.
        free_memory: MiB free as the node reports it, which may differ from what the records say.
        total_disk: MiB.
        free_disk: MiB.
        total_cpus: cores.
        node_cpus: cores that the node itself uses.
        cpu_speed: relative to other nodes.
        spindles: number of spindles (with exclusive storage: those it reports; else the node parameter).
        free_spindles: with exclusive storage, the free ones.
        exclusive_storage: whether instances occupy whole spindles.
        offline: the allocator may not use it: offline, drained, or not able to host instances.
        drained: it is drained (then `offline` is set too); the text format does not distinguish the two.
        vm_capable: whether it may host instances (then `offline` is set too).
        master: whether it is the master node.
        tags: its tags.
        hypervisor: the cluster's default hypervisor, where the backend reports it (LUXI).
    """

    name: str
    group: int
    total_memory: float
    node_memory: int
    free_memory: int
    total_disk: float
    free_disk: int
    total_cpus: float
    node_cpus: int = 1
    cpu_speed: float = 1.0
    spindles: int = 1
    free_spindles: int = 0
    exclusive_storage: bool = False
    offline: bool = False
    drained: bool = False
    vm_capable: bool = True
    master: bool = False
    tags: tuple[str, ...] = ()
    hypervisor: str | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A virtual machine.

    Attributes:
        name: the full name.
        memory: MiB.
        disk: MiB, all disks with their overhead as the backend counts them.
        vcpus: virtual cores.
        status: the run state.
        auto_balance: whether balancing may move it and fail-over memory is kept for it.
        primary: position of its primary node in `Cluster.nodes`.
        secondary: position of its secondary node, None without one.
        disk_template: how its disks are kept.
        disks: the single disks.
        tags: its tags.
        spindle_use: spindles it is counted for where storage is shared.
        nics: its network interfaces, where the backend reports them.
        forthcoming: it is reserved, not yet created.
        utilisation: its dynamic load.
    """

    name: str
    memory: int
    disk: int
    vcpus: int
    status: InstanceStatus
    auto_balance: bool
    primary: int
    secondary: int | None
    disk_template: DiskTemplate
    disks: tuple[Disk, ...] = ()
    tags: tuple[str, ...] = ()
    spindle_use: int = 1
    nics: tuple[Nic, ...] = ()
    forthcoming: bool = False
    utilisation: Utilisation = field(default_factory=Utilisation)

    @property
    def mirror_type(self) -> MirrorType:
        """Where the second copy of its disks is."""
        return MIRROR_TYPE[self.disk_template]

    @property
    def movable(self) -> bool:
        """Whether its disk template lets balancing move it."""
        return self.disk_template in BALANCED_TEMPLATES

    @property
    def running(self) -> bool:
        """Whether it is migrated live rather than failed over."""
        return self.status in RUNNING_STATES

    @property
    def uses_memory(self) -> bool:
        """Whether it occupies memory of its primary node."""
        return not self.forthcoming and self.status in MEMORY_STATES

    @property
    def online(self) -> bool:
        """Whether its cores and its fail-over memory count (everything but administratively offline)."""
        return self.status is not InstanceStatus.ADMIN_OFFLINE

    @property
    def uses_secondary_memory(self) -> bool:
        """Whether its secondary keeps memory free for its fail-over."""
        return self.online and self.auto_balance

    @property
    def uses_local_storage(self) -> bool:
        """Whether its disks are taken from the node's disk."""
        return self.disk_template in LOCAL_STORAGE

    @property
    def total_spindles(self) -> int | None:
        """Spindles of all its disks, None when one of them is unknown."""
        total = 0
        for disk in self.disks:
            if disk.spindles is None:
                return None
            total += disk.spindles
        return total

    @property
    def nodes(self) -> tuple[int, ...]:
        """Positions of the nodes that hold its disks or run it: primary first."""
        if self.disk_template is DiskTemplate.DRBD and self.secondary is not None:
            return (self.primary, self.secondary)
        return (self.primary,)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as one backend reported it; positions in the tuples are the indices that everything else uses."""

    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    instances: tuple[Instance, ...]
    tags: tuple[str, ...] = ()
    policy: Policy = DEFAULT_POLICY
