"""A small configuration for the tests of `impl.config`."""

from typing import Any

from impl.config.model import Config, from_value

VALUE: dict[str, Any] = {
    "version": 3_000_000,
    "serial_no": 7,
    "mtime": 1.5,
    "cluster": {
        "uuid": "cluster", "serial_no": 3, "master_node": "n1", "mac_prefix": "aa:bb:cc", "highest_used_port": 11_005,
        "tcpudp_port_pool": [11_003], "enabled_hypervisors": ["fake"], "enabled_disk_templates": ["drbd"],
    },
    "nodes": {name: {"uuid": name, "name": f"{name}.example", "group": "g", "serial_no": 1} for name in ("n1", "n2")},
    "nodegroups": {"g": {"uuid": "g", "name": "default", "serial_no": 1}},
    "instances": {
        "i1": {
            "uuid": "i1", "name": "web1", "primary_node": "n1", "disks": ["d1", "d2"], "serial_no": 4,
            "admin_state": "up", "network_port": 11_001,
            "nics": [{"uuid": "nic1", "mac": "aa:bb:cc:00:00:01", "network": "net", "ip": "192.0.2.2"}],
        },
        "i2": {"uuid": "i2", "name": "web2", "primary_node": "n2", "disks": [], "serial_no": 1, "nics": []},
    },
    "disks": {
        "d1": {
            "uuid": "d1", "dev_type": "drbd", "logical_id": ["n1", "n2", 11_004, 0, 1, "secret"], "nodes": ["n1", "n2"],
            "iv_name": "disk/0", "serial_no": 1,
            "children": [{"dev_type": "plain", "logical_id": ["xenvg", "d1_data"]}],
        },
        "d2": {
            "uuid": "d2", "dev_type": "plain", "logical_id": ["xenvg", "d2"], "nodes": ["n1"], "iv_name": "disk/1",
            "serial_no": 1,
        },
        "d3": {"uuid": "d3", "dev_type": "plain", "logical_id": ["xenvg", "d3"], "nodes": ["n2"], "serial_no": 1},
    },
    "networks": {
        "net": {
            "uuid": "net", "name": "net", "network": "192.0.2.0/29", "mac_prefix": "aa:dd:ee", "serial_no": 1,
            "reservations": "00100000", "ext_reservations": "11000001",
        },
    },
    "filters": {},
    "extra": [1, 2],
}  # fmt: skip


def config() -> Config:
    return from_value(VALUE)
