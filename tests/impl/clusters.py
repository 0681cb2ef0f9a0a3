"""Small clusters' configurations for tests, in Ganeti's format."""

from typing import Any

GIB = 1024


def uuid(kind: int, number: int) -> str:
    """A recognisable UUID: kind 1 nodes, 2 groups, 3 instances, 4 disks, 9 the cluster."""
    return f"{kind:08d}-0000-4000-8000-{number:012d}"


def make_node(number: int, **more: Any) -> dict[str, Any]:
    return {
        "uuid": uuid(1, number), "name": f"node{number}.example.com", "group": uuid(2, 1), "offline": False,
        "drained": False, "master_candidate": number == 1, "master_capable": True, "vm_capable": True, "powered": True,
        "primary_ip": f"192.0.2.{number}", "secondary_ip": f"198.51.100.{number}", "ndparams": {}, "tags": [],
        "serial_no": 1, "ctime": 1.5, "mtime": 2.5,
        "gantry": {"memory_total": 64 * GIB, "memory_node": GIB, "disk_total": 1000 * GIB, "cpus": 16},
        **more,
    }  # fmt: skip


def make_config(
    nodes: int = 4, instances: dict[str, tuple[int, int | None]] | None = None, seconds_per_gib: float = 0.0
) -> dict[str, Any]:
    """A cluster of some nodes; instances by name with their primary's and secondary's number (None: plain disk)."""
    config: dict[str, Any] = {
        "version": 3_000_000,
        "serial_no": 1,
        "ctime": 1.5,
        "mtime": 2.5,
        "cluster": {
            "uuid": uuid(9, 1), "cluster_name": "cluster.example.com", "master_node": uuid(1, 1), "serial_no": 1,
            "enabled_hypervisors": ["fake"], "enabled_disk_templates": ["drbd", "plain", "diskless"],
            "beparams": {"default": {"maxmem": 512, "minmem": 512, "vcpus": 1, "auto_balance": True, "spindle_use": 1,
                                     "always_failover": False}},
            "ndparams": {"oob_program": "", "spindle_count": 1, "exclusive_storage": False, "ovs": False,
                         "ovs_name": "switch1", "ovs_link": "", "ssh_port": 22, "cpu_speed": 1.0},
            "ipolicy": {"minmax": [{"min": _spec(1, 1, 1), "max": _spec(64 * GIB, 16, 1024 * GIB)}],
                        "std": _spec(512, 1, GIB), "vcpu-ratio": 4.0, "spindle-ratio": 32.0,
                        "disk-templates": ["drbd", "plain", "diskless"]},
            "hvparams": {"fake": {"migration_mode": "live"}}, "diskparams": {"drbd": {"metavg": "xenvg"}, "plain": {}},
            "nicparams": {"default": {"mode": "bridged", "link": "br0", "vlan": ""}}, "osparams": {}, "os_hvp": {},
            "candidate_pool_size": 10, "max_running_jobs": 20, "max_tracked_jobs": 25, "mac_prefix": "aa:00:00",
            "highest_used_port": 11000, "tcpudp_port_pool": [], "volume_group_name": "xenvg", "tags": ["prod"],
            "default_iallocator": "hail", "primary_ip_family": 2, "ctime": 1.5, "mtime": 2.5,
            "gantry": {"seconds_per_gib": seconds_per_gib},
        },
        "nodes": {uuid(1, n): make_node(n) for n in range(1, nodes + 1)},
        "nodegroups": {
            uuid(2, 1): {"uuid": uuid(2, 1), "name": "default", "alloc_policy": "preferred", "ndparams": {}, "tags": [],
                         "ipolicy": {}, "diskparams": {}, "networks": {}, "serial_no": 1, "ctime": 1.5, "mtime": 2.5}
        },
        "instances": {},
        "disks": {},
        "networks": {},
        "filters": {},
    }  # fmt: skip
    for number, (name, (primary, secondary)) in enumerate((instances or {}).items(), start=1):
        add_instance(config, number, name, primary, secondary)
    config["cluster"]["highest_used_port"] += len(instances or {})
    return config


def _spec(memory: int, cpus: int, disk: int) -> dict[str, int]:
    return {
        "memory-size": memory, "cpu-count": cpus, "disk-size": disk, "disk-count": 1 if memory == 1 else 16,
        "nic-count": 0 if memory == 1 else 8, "spindle-use": 1 if memory == 1 else 12,
    }  # fmt: skip


def add_instance(config: dict[str, Any], number: int, name: str, primary: int, secondary: int | None) -> None:
    disk = uuid(4, number)
    nodes = [uuid(1, n) for n in (primary, secondary) if n is not None]
    config["instances"][uuid(3, number)] = {
        "uuid": uuid(3, number), "name": name, "primary_node": uuid(1, primary), "disks": [disk], "nics": [],
        "admin_state": "up", "admin_state_source": "admin", "disks_active": True, "hypervisor": "fake", "os": "noop",
        "beparams": {"maxmem": 2 * GIB, "minmem": 2 * GIB, "vcpus": 2}, "hvparams": {}, "osparams": {}, "tags": [],
        "osparams_private": {}, "serial_no": 1, "ctime": 1.5, "mtime": 2.5,
    }  # fmt: skip
    drbd = secondary is not None
    config["disks"][disk] = {
        "uuid": disk, "dev_type": "drbd" if drbd else "plain", "size": 10 * GIB, "iv_name": "disk/0", "mode": "rw",
        "logical_id": [*nodes, 11000 + number, number, number, "s" * 40] if drbd else ["xenvg", f"{disk}.disk0"],
        "nodes": nodes, "params": {}, "serial_no": 1, "ctime": 1.5, "mtime": 2.5,
    }  # fmt: skip
