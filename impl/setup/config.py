"""The first configuration of a cluster, in the format of Ganeti's `config.data`. Pure: a cluster's facts in, JSON out.

Every field that Ganeti 3.0's daemons insist on is there. What only Gantry knows stands under the key `gantry`, which
Ganeti's readers pass over: a node's hardware, and how long the embedded hypervisor driver takes for a GiB.

Source: the fields that Ganeti 3.0.2's daemons refuse a configuration without, and a configuration of theirs.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from impl.cluster.view import DRBD_META_MIB
from impl.config.facts import FIRST_PORT
from impl.config.version import VERSION
from spec.allocator.cluster import (
    Cluster,
    Disk,
    DiskTemplate,
    Instance,
    InstanceStatus,
    ISpec,
    Node,
    Policy,
)

HYPERVISOR = "fake"
VOLUME_GROUP = "xenvg"
NAMESPACE = uuid.UUID("6a6e7472-7900-4000-8000-000000000000")

_UP = frozenset(
    {
        InstanceStatus.RUNNING,
        InstanceStatus.ERROR_UP,
        InstanceStatus.ERROR_DOWN,
        InstanceStatus.NODE_DOWN,
        InstanceStatus.NODE_OFFLINE,
        InstanceStatus.WRONG_NODE,
        InstanceStatus.USER_DOWN,
    }
)
"""Reported states of instances that are meant to run; the embedded driver then runs them."""

_BACKEND = {
    "always_failover": False,
    "auto_balance": True,
    "maxmem": 128,
    "minmem": 128,
    "spindle_use": 1,
    "vcpus": 1,
}
_NODE = {
    "cpu_speed": 1.0,
    "exclusive_storage": False,
    "oob_program": "",
    "ovs": False,
    "ovs_link": "",
    "ovs_name": "switch1",
    "spindle_count": 1,
    "ssh_port": 22,
}
_DRBD = {
    "c-delay-target": 1,
    "c-fill-target": 0,
    "c-max-rate": 61440,
    "c-min-rate": 4096,
    "c-plan-ahead": 20,
    "data-stripes": 1,
    "disk-barriers": "n",
    "disk-custom": "",
    "dynamic-resync": False,
    "meta-barriers": False,
    "meta-stripes": 1,
    "metavg": VOLUME_GROUP,
    "net-custom": "",
    "protocol": "C",
    "resync-rate": 61440,
}


MAC_PREFIX = "aa:00:00"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a new configuration needs beside the cluster's facts.

    Attributes:
        name: the cluster's name.
        now: seconds since the epoch, for the objects' times.
        secret: makes a new DRBD secret at each call.
        seconds_per_gib: how long the embedded driver takes to move one GiB.
        max_running_jobs: how many jobs may run side by side.
        max_tracked_jobs: how many running jobs luxid follows by notification.
    """

    name: str
    now: float
    secret: Callable[[], str]
    seconds_per_gib: float = 0.0
    max_running_jobs: int = 20
    max_tracked_jobs: int = 25


def initial_config(cluster: Cluster, setup: Setup) -> dict[str, Any]:
    """Build the configuration of a new cluster that has these groups, nodes and instances.

    UUIDs follow from the names, so the same cluster always has the same ones; groups keep theirs.
    """
    maker = _Maker(cluster, setup)
    return {
        "cluster": maker.cluster_object(),
        "nodes": _by_uuid(maker.node_objects()),
        "nodegroups": _by_uuid(maker.group_objects()),
        **maker.instances_and_disks(),
        "networks": {},
        "filters": {},
        "serial_no": 1,
        "ctime": setup.now,
        "mtime": setup.now,
        "version": VERSION,
    }


def _by_uuid(objects: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(it["uuid"]): it for it in objects}


class _Maker:
    """Makes the objects; hands out ports and DRBD minors as it goes."""

    def __init__(self, cluster: Cluster, setup: Setup) -> None:
        self._cluster = cluster
        self._setup = setup
        self._nodes = [self._uuid("node", node.name) for node in cluster.nodes]
        self._groups = [group.uuid for group in cluster.groups]
        self._minors = [0] * len(cluster.nodes)
        self._next_port = FIRST_PORT
        self._macs = 0

    def _uuid(self, *names: str) -> str:
        return str(uuid.uuid5(NAMESPACE, "/".join((self._setup.name, *names))))

    def _common(self, identity: str, tags: Sequence[str] = ()) -> dict[str, Any]:
        now = self._setup.now
        return {"uuid": identity, "ctime": now, "mtime": now, "serial_no": 1, "tags": list(tags)}

    def _master(self) -> int:
        masters = [index for index, node in enumerate(self._cluster.nodes) if node.master]
        return masters[0] if masters else 0

    def cluster_object(self) -> dict[str, Any]:
        """Make the cluster's own object; call it last if the highest port matters."""
        templates = sorted({instance.disk_template.value for instance in self._cluster.instances} | {"drbd", "plain"})
        return {
            **self._common(self._uuid("cluster"), self._cluster.tags),
            "cluster_name": self._setup.name,
            "master_node": self._nodes[self._master()] if self._nodes else "",
            "master_ip": "127.0.0.1",
            "master_netdev": "lo",
            "master_netmask": 32,
            "use_external_mip_script": False,
            "primary_ip_family": 2,
            "rsahostkeypub": "",
            "ssh_key_type": "rsa",
            "ssh_key_bits": 2048,
            "candidate_certs": {},
            "candidate_pool_size": 10,
            "modify_etc_hosts": False,
            "modify_ssh_setup": False,
            "maintain_node_health": False,
            "mac_prefix": MAC_PREFIX,
            "uid_pool": [],
            "tcpudp_port_pool": [],
            "highest_used_port": FIRST_PORT - 1 + sum(map(_disk_count, self._cluster.instances)),
            "volume_group_name": VOLUME_GROUP,
            "reserved_lvs": [],
            "drbd_usermode_helper": "/bin/true",
            "file_storage_dir": "/srv/ganeti/file-storage",
            "shared_file_storage_dir": "/srv/ganeti/shared-file-storage",
            "gluster_storage_dir": "/var/run/ganeti/gluster",
            "enabled_disk_templates": templates,
            "enabled_hypervisors": [HYPERVISOR],
            "hvparams": {HYPERVISOR: {"migration_mode": "live"}},
            "os_hvp": {},
            "beparams": {"default": dict(_BACKEND)},
            "osparams": {},
            "osparams_private_cluster": {},
            "nicparams": {"default": {"link": "br0", "mode": "bridged", "vlan": ""}},
            "ndparams": dict(_NODE),
            "diskparams": {template.value: {} for template in DiskTemplate} | {"drbd": dict(_DRBD)},
            "ipolicy": _policy(self._cluster.policy),
            "hv_state_static": {},
            "disk_state_static": {},
            "hidden_os": [],
            "blacklisted_os": [],
            "default_iallocator": "hail",
            "default_iallocator_params": {},
            "prealloc_wipe_disks": False,
            "install_image": "",
            "zeroing_image": "",
            "instance_communication_network": "",
            "compression_tools": ["gzip"],
            "enabled_user_shutdown": False,
            "data_collectors": {},
            "max_running_jobs": self._setup.max_running_jobs,
            "max_tracked_jobs": self._setup.max_tracked_jobs,
            "gantry": {"seconds_per_gib": self._setup.seconds_per_gib},
        }

    def group_objects(self) -> list[dict[str, Any]]:
        """Make the node groups."""
        return [
            {
                **self._common(group.uuid, group.tags),
                "name": group.name,
                "alloc_policy": group.alloc_policy.value,
                "ipolicy": {} if group.policy == self._cluster.policy else _policy(group.policy),
                "ndparams": {},
                "diskparams": {},
                "networks": {network: {} for network in group.networks},
            }
            for group in self._cluster.groups
        ]

    def node_objects(self) -> list[dict[str, Any]]:
        """Make the nodes, with addresses of the range that is set apart for benchmarks (RFC 2544)."""
        return [
            {
                **self._common(self._nodes[index], node.tags),
                "name": node.name,
                "group": self._groups[node.group],
                "primary_ip": f"198.18.{(index + 1) // 256}.{(index + 1) % 256}",
                "secondary_ip": f"198.19.{(index + 1) // 256}.{(index + 1) % 256}",
                "master_candidate": index == self._master(),
                "master_capable": True,
                "vm_capable": node.vm_capable,
                "offline": node.offline and not node.drained and node.vm_capable,
                "drained": node.drained,
                "powered": True,
                "ndparams": _node_parameters(node),
                "gantry": self._hardware(index, node),
            }
            for index, node in enumerate(self._cluster.nodes)
        ]

    def _hardware(self, index: int, node: Node) -> dict[str, Any]:
        """Return what the embedded driver answers for a node (MiB, cores); free amounts only if they do not follow."""
        here = [instance for instance in self._cluster.instances if not instance.forthcoming]
        memory = sum(instance.memory for instance in here if instance.primary == index and instance.uses_memory)
        disk = sum(instance.disk for instance in here if index in instance.nodes and instance.uses_local_storage)
        facts: dict[str, Any] = {
            "memory_total": int(node.total_memory),
            "memory_node": node.node_memory,
            "disk_total": int(node.total_disk),
            "cpus": int(node.total_cpus),
            "cpus_node": node.node_cpus,
            "cpu_speed": node.cpu_speed,
            "spindles": node.spindles,
        }
        if node.free_memory != int(node.total_memory) - node.node_memory - memory:
            facts["memory_free_reported"] = node.free_memory
        if node.free_disk != int(node.total_disk) - disk:
            facts["disk_free_reported"] = node.free_disk
        return facts

    def instances_and_disks(self) -> dict[str, dict[str, Any]]:
        """Make the instances and their disks, as the two parts of the configuration that hold them."""
        instances: dict[str, Any] = {}
        disks: dict[str, Any] = {}
        for instance in self._cluster.instances:
            own = [self._disk(instance, number, size) for number, size in enumerate(_disk_sizes(instance))]
            made = self._instance(instance, [str(disk["uuid"]) for disk in own])
            instances[made["uuid"]] = made
            disks |= _by_uuid(own)
        return {"instances": instances, "disks": disks}

    def _instance(self, it: Instance, disks: list[str]) -> dict[str, Any]:
        state = "up" if it.status in _UP else "offline" if it.status is InstanceStatus.ADMIN_OFFLINE else "down"
        identity = self._uuid("instance", it.name)
        made = {
            **self._common(identity, it.tags),
            "name": it.name,
            "primary_node": self._nodes[it.primary],
            "os": "none",
            "hypervisor": HYPERVISOR,
            "hvparams": {},
            "beparams": {
                "maxmem": it.memory,
                "minmem": it.memory,
                "vcpus": it.vcpus,
                "auto_balance": it.auto_balance,
                "spindle_use": it.spindle_use,
            },
            "osparams": {},
            "osparams_private": {},
            "admin_state": state,
            "admin_state_source": "admin",
            "disks_active": state == "up",
            "disks": disks,
            "nics": [self._nic(identity, index) for index in range(self._least_nics(it))],
        }
        return made | {"forthcoming": True} if it.forthcoming else made

    def _least_nics(self, it: Instance) -> int:
        """Return the fewest interfaces that an instance's policy allows: the text format has none."""
        policy = self._cluster.groups[self._cluster.nodes[it.primary].group].policy
        return min((bounds.minimum.nic_count for bounds in policy.bounds), default=0)

    def _nic(self, instance: str, index: int) -> dict[str, Any]:
        self._macs += 1
        mac = ":".join([MAC_PREFIX, *(f"{part:02x}" for part in self._macs.to_bytes(3, "big"))])
        return {"uuid": self._uuid("nic", instance, str(index)), "mac": mac, "nicparams": {}}

    def _disk(self, it: Instance, number: int, disk: Disk) -> dict[str, Any]:
        identity = self._uuid("disk", it.name, str(number))
        name = f"{identity}.disk{number}"
        made = {
            **self._common(identity),
            "dev_type": it.disk_template.value,
            "logical_id": self._logical_id(it, name),
            "nodes": [self._nodes[node] for node in it.nodes],
            "iv_name": f"disk/{number}",
            "mode": "rw",
            "size": disk.size,
            "params": {},
        }
        if disk.spindles is not None:
            made["spindles"] = disk.spindles
        if it.disk_template is DiskTemplate.DRBD:
            parts = (("data", disk.size), ("meta", DRBD_META_MIB))
            made["children"] = [self._volume(made["nodes"], f"{name}_{part}", size) for part, size in parts]
        del made["tags"]
        return made | {"forthcoming": True} if it.forthcoming else made

    def _volume(self, nodes: list[str], name: str, size: int) -> dict[str, Any]:
        """Make a logical volume (MiB) below a DRBD disk."""
        volume = {
            **self._common(self._uuid("volume", name)),
            "dev_type": "plain",
            "logical_id": [VOLUME_GROUP, name],
            "nodes": nodes,
            "size": size,
            "params": {},
        }
        del volume["tags"]
        return volume

    def _logical_id(self, it: Instance, name: str) -> list[Any]:
        match it.disk_template:
            case DiskTemplate.DRBD if it.secondary is not None:
                minors = [self._minor(it.primary), self._minor(it.secondary)]
                port, self._next_port = self._next_port, self._next_port + 1
                return [self._nodes[it.primary], self._nodes[it.secondary], port, *minors, self._setup.secret()]
            case DiskTemplate.FILE | DiskTemplate.SHARED_FILE | DiskTemplate.GLUSTER:
                return ["loop", f"/srv/ganeti/{it.disk_template.value}-storage/{it.name}/{name}"]
            case DiskTemplate.BLOCK:
                return ["manual", f"/dev/{name}"]
            case DiskTemplate.RBD | DiskTemplate.EXT:
                return [it.disk_template.value, name]
            case _:
                return [VOLUME_GROUP, name]

    def _minor(self, node: int) -> int:
        """Return the next free DRBD minor of a node."""
        self._minors[node] += 1
        return self._minors[node] - 1


def _disk_sizes(it: Instance) -> tuple[Disk, ...]:
    """Return the disks (MiB) without what DRBD adds to them."""
    if it.disk_template is DiskTemplate.DISKLESS:
        return ()
    overhead = DRBD_META_MIB if it.disk_template is DiskTemplate.DRBD else 0
    disks = it.disks or (Disk(it.disk),)
    return tuple(Disk(max(0, disk.size - overhead), disk.spindles) for disk in disks)


def _disk_count(it: Instance) -> int:
    """Count the DRBD disks, each of which has a port."""
    return len(_disk_sizes(it)) if it.disk_template is DiskTemplate.DRBD else 0


def _node_parameters(node: Node) -> dict[str, Any]:
    """Return the node parameters that differ from the cluster's."""
    own = {"spindle_count": node.spindles, "exclusive_storage": node.exclusive_storage, "cpu_speed": node.cpu_speed}
    return {key: value for key, value in own.items() if value != _NODE[key]}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "minmax": [{"min": _ispec(bounds.minimum), "max": _ispec(bounds.maximum)} for bounds in policy.bounds],
        "std": _ispec(policy.standard),
        "disk-templates": [template.value for template in policy.disk_templates],
        "vcpu-ratio": policy.vcpu_ratio,
        "spindle-ratio": policy.spindle_ratio,
    }


def _ispec(spec: ISpec) -> dict[str, int]:
    return {
        "memory-size": spec.memory,
        "cpu-count": spec.cpus,
        "disk-size": spec.disk_size,
        "disk-count": spec.disk_count,
        "nic-count": spec.nic_count,
        "spindle-use": spec.spindle_use,
    }
