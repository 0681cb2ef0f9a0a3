"""The older query methods of LUXI: plain rows, names instead of filters; and facts about the cluster. Pure."""

import platform
from collections.abc import Sequence
from typing import Any

from impl.cluster.view import ClusterView
from impl.expressions import Filter, FilterSyntaxError, Leaf, Many
from impl.query import check_names, find_object, select
from impl.query.model import NORMAL, Kind, QueryError
from impl.query.source import Source

SOFTWARE_VERSION = "3.0.2"
"""The release whose behaviour the wire has."""

PROTOCOL_VERSION = 3_000_000
OS_API_VERSION = 20

_KEYS = {"job": ("id",), "filter": ("uuid",)}
_TAG_KINDS = {"instance": "instance", "node": "node", "nodegroup": "group", "network": "network"}


def classic_query(what: str, names: Any, fields: Any, source: Source, *, sync: Any = False) -> list[list[Any]]:
    """Answer QueryNodes, QueryInstances, QueryGroups, QueryNetworks, QueryFilters, QueryJobs.

    Args:
        what: the kind of things.
        names: names or UUIDs (of jobs: ids); none for all. Unknown ones are left out, but for jobs.
        fields: the fields wanted; all must exist.
        source: what to answer from.
        sync: the old request for locks, refused.

    Raises:
        FilterSyntaxError: the request is malformed.
        QueryError: an unknown field, or a request for locks.
    """
    if sync:
        raise QueryError("OpPrereqError", "Sync queries are not allowed", "wrong_input")
    wanted = check_names(fields)
    selected, rows = select(source, what, wanted, _named(_KEYS.get(what, ("name", "uuid")), names or []))
    unknown = [field.name for field in selected if field.kind is Kind.UNKNOWN]
    if unknown:
        raise QueryError("OpPrereqError", f"Unknown output fields selected: {', '.join(unknown)}", "wrong_input")
    return [[value if status == NORMAL else None for status, value in row] for row in rows]


def _named(keys: Sequence[str], names: Sequence[Any]) -> Filter | None:
    if not names:
        return None
    return Many("|", tuple(Many("|", tuple(Leaf("=", key, name) for name in names)) for key in keys))


def query_tags(kind: str, name: str, view: ClusterView) -> list[str]:
    """Answer QueryTags: the tags of the cluster or of one thing.

    Raises:
        FilterSyntaxError: there is no such kind.
        QueryError: there is no such thing.
    """
    if kind == "cluster":
        return list(view.cluster.get("tags") or ())
    if kind not in _TAG_KINDS:
        raise FilterSyntaxError(f'Invalid string value for type TagKind: "{kind}"')
    return list(find_object(view, _TAG_KINDS[kind], name).get("tags") or ())


def query_config_values(names: Sequence[str], view: ClusterView, *, drained: bool, watcher_pause: Any) -> list[Any]:
    """Answer QueryConfigValues: a few facts by name, None for unknown ones."""
    master = view.nodes.get(view.master)
    known = {
        "cluster_name": view.cluster.get("cluster_name"),
        "master_node": None if master is None else master["name"],
        "drain_flag": drained,
        "watcher_pause": watcher_pause,
    }
    return [known.get(name) for name in names]


_VERBATIM = (
    "hvparams", "os_hvp", "beparams", "osparams", "ipolicy", "nicparams", "ndparams", "diskparams",
    "candidate_pool_size", "max_running_jobs", "max_tracked_jobs", "mac_prefix", "master_netdev", "master_netmask",
    "use_external_mip_script", "volume_group_name", "drbd_usermode_helper", "file_storage_dir",
    "shared_file_storage_dir", "gluster_storage_dir", "maintain_node_health", "ctime", "mtime", "uuid", "tags",
    "uid_pool", "default_iallocator", "default_iallocator_params", "reserved_lvs", "prealloc_wipe_disks", "hidden_os",
    "blacklisted_os", "enabled_disk_templates", "install_image", "instance_communication_network", "zeroing_image",
    "compression_tools", "enabled_user_shutdown", "modify_ssh_setup", "ssh_key_type", "ssh_key_bits",
)  # fmt: skip
_IP_VERSION = {2: 4, 10: 6}


def query_cluster_info(view: ClusterView) -> dict[str, Any]:
    """Answer QueryClusterInfo: the cluster's parameters and versions."""
    cluster = view.cluster
    master = view.nodes.get(view.master)
    if master is None:
        raise QueryError("ConfigurationError", f"Cannot find node with UUID {view.master}")
    hypervisors = list(cluster.get("enabled_hypervisors") or ())
    collectors = cluster.get("data_collectors") or {}
    return {
        "software_version": SOFTWARE_VERSION,
        "protocol_version": PROTOCOL_VERSION,
        "config_version": view.config.get("version", PROTOCOL_VERSION),
        "os_api_version": OS_API_VERSION,
        "export_version": 0,
        "vcs_version": f"(gantry) version {SOFTWARE_VERSION}",
        "architecture": [platform.architecture()[0].replace("bit", "bits"), platform.machine()],
        "name": cluster.get("cluster_name"),
        "master": master["name"],
        "default_hypervisor": hypervisors[0] if hypervisors else None,
        "enabled_hypervisors": hypervisors,
        **{name: cluster.get(name) for name in _VERBATIM},
        "primary_ip_version": _IP_VERSION.get(cluster.get("primary_ip_family") or 2, 4),
        "enabled_data_collectors": {name: bool(item.get("active")) for name, item in collectors.items()},
        "data_collector_interval": {name: item.get("interval") for name, item in collectors.items()},
    }
