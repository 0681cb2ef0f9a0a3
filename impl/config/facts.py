"""What objects of the configuration use up: MAC addresses, DRBD minors and secrets, logical volumes, UUIDs."""

from collections.abc import Iterator

from impl.config.model import SECTIONS, Config, Value

FIRST_PORT, LAST_PORT = 11_000, 14_999
"""The TCP ports that may be given out for DRBD. Source: Ganeti's constants."""


def macs(config: Config) -> set[str]:
    """Return every MAC address of an instance's NIC."""
    return {nic["mac"] for instance in config.values("instances") for nic in instance.get("nics", ()) if "mac" in nic}


def disk_parts(disk: Value) -> Iterator[Value]:
    """Yield a disk and its children, and theirs."""
    yield disk
    for child in disk.get("children") or ():
        yield from disk_parts(child)


def drbd_minors(disk: Value) -> list[tuple[str, int]]:
    """Return the (node, minor) pairs that a disk uses; its logical id is [node, node, port, minor, minor, secret]."""
    return [
        (part["logical_id"][side], part["logical_id"][3 + side])
        for part in disk_parts(disk)
        if part.get("dev_type") in {"drbd", "drbd8"} and len(part.get("logical_id") or ()) >= 5
        for side in (0, 1)
    ]


def drbd_secrets(config: Config) -> set[str]:
    """Return every DRBD secret."""
    return {
        part["logical_id"][5]
        for disk in config.values("disks")
        for part in disk_parts(disk)
        if part.get("dev_type") in {"drbd", "drbd8"} and len(part.get("logical_id") or ()) >= 6
    }


def logical_volumes(config: Config) -> set[str]:
    """Return every logical volume as `group/volume`."""
    return {
        f"{part['logical_id'][0]}/{part['logical_id'][1]}"
        for disk in config.values("disks")
        for part in disk_parts(disk)
        if part.get("dev_type") in {"plain", "lvm"} and len(part.get("logical_id") or ()) == 2
    }


def identifiers(config: Config) -> set[str]:
    """Return every UUID in use, and every logical volume."""
    found = logical_volumes(config) | {str(config.cluster.get("uuid", ""))}
    for section in SECTIONS:
        for key, known in config.objects(section).items():
            found |= {key, str(known.value.get("uuid", key))}
    for instance in config.values("instances"):
        found |= {nic["uuid"] for nic in instance.get("nics", ()) if "uuid" in nic}
    return found


def problems(config: Config) -> list[str]:
    """Return what contradicts itself in a configuration: keys, and references that lead nowhere."""
    found: list[str] = []
    cluster = config.cluster
    if not cluster.get("enabled_hypervisors"):
        found.append("enabled hypervisors list doesn't have any entries")
    if not cluster.get("enabled_disk_templates"):
        found.append("enabled disk templates list doesn't have any entries")
    nodes, disks = config.objects("nodes"), config.objects("disks")
    if cluster.get("master_node") not in nodes:
        found.append(f"cluster has invalid primary node {cluster.get('master_node')}")
    for section in ("nodes", "nodegroups", "instances", "networks", "disks"):
        for key, known in config.objects(section).items():
            if known.value.get("uuid") != key:
                found.append(f"{section}: key {key} holds the object {known.value.get('uuid')}")
    for key, known in nodes.items():
        if known.value.get("group") not in config.objects("nodegroups"):
            found.append(f"node {key} refers to the unknown nodegroup {known.value.get('group')}")
    for key, known in config.objects("instances").items():
        primary = known.value.get("primary_node")
        if primary and primary not in nodes:
            found.append(f"instance {key} refers to the unknown primary node {primary}")
        for disk in known.value.get("disks") or ():
            if disk not in disks:
                found.append(f"instance {key} refers to the unknown disk {disk}")
    return found
