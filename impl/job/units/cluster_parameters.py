"""OP_CLUSTER_SET_PARAMS: the cluster's parameters, changed at run time. A table says how each is changed.

luxid reads `max_running_jobs` and `max_tracked_jobs` from the configuration, so they take effect at once. Parameters
of things that Gantry does not manage (master IP, ssh, hosts files, user pools) are written down and nothing else.

Source: Ganeti 3.0.2's cluster parameters and their preconditions.
"""

from collections.abc import Callable, Mapping
from typing import Any

from impl.cluster.change import NO_CHANGE, Change, put, set_cluster, together
from impl.cluster.view import ClusterView, names_of
from impl.job.errors import WRONG_INPUT, WRONG_STATE, PrerequisiteError
from impl.job.locking import Op, everything, take
from impl.job.unit import Context, Unit
from impl.job.units.groups import check_policy
from impl.job.units.node_parameters import candidate_pool, merged_parameters, promotable
from spec.locks.names import Level, Mode

Merge = Callable[[Any, Any], Any]


def _replace(_: Any, new: Any) -> Any:
    return new


def _or_none(_: Any, new: Any) -> Any:
    return new or None


def _merge(old: Any, new: Any) -> Any:
    """Merge parameters by name; the word `default` (or null) takes one away."""
    return merged_parameters(old or {}, new)


def _merge_each(old: Any, new: Any) -> Any:
    """Merge parameters by name, of several things by name."""
    return {**(old or {}), **{name: _merge((old or {}).get(name), values) for name, values in new.items()}}


def _merge_default(old: Any, new: Any) -> Any:
    """Merge parameters that stand under the key `default`."""
    return {**(old or {}), "default": _merge((old or {}).get("default"), new)}


def _edit_list(old: Any, new: Any) -> Any:
    """Return a list changed by [operation, name] pairs."""
    result = list(old or ())
    for operation, name in new:
        if operation == "add" and name not in result:
            result.append(name)
        elif operation == "remove" and name in result:
            result.remove(name)
    return result


def _collectors(key: str) -> Merge:
    def merge(old: Any, new: Any) -> Any:
        return {**(old or {}), **{name: {**(old or {}).get(name, {}), key: value} for name, value in new.items()}}

    return merge


_PLAIN = (
    "enabled_hypervisors", "enabled_disk_templates", "candidate_pool_size", "max_running_jobs", "max_tracked_jobs",
    "uid_pool", "maintain_node_health", "prealloc_wipe_disks", "default_iallocator", "mac_prefix", "master_netdev",
    "master_netmask", "reserved_lvs", "use_external_mip_script", "modify_etc_hosts", "file_storage_dir",
    "shared_file_storage_dir", "gluster_storage_dir", "install_image", "instance_communication_network",
    "zeroing_image", "compression_tools", "enabled_user_shutdown", "default_iallocator_params",
)  # fmt: skip

PARAMETERS: dict[str, tuple[str, Merge]] = {
    **{name: (name, _replace) for name in _PLAIN},
    "vg_name": ("volume_group_name", _or_none),
    "drbd_helper": ("drbd_usermode_helper", _or_none),
    "hvparams": ("hvparams", _merge_each),
    "os_hvp": (
        "os_hvp",
        lambda old, new: {**(old or {}), **{k: _merge_each((old or {}).get(k), v) for k, v in new.items()}},
    ),
    "osparams": ("osparams", _merge_each),
    "osparams_private_cluster": ("osparams_private_cluster", _merge_each),
    "diskparams": ("diskparams", _merge_each),
    "beparams": ("beparams", _merge_default),
    "nicparams": ("nicparams", _merge_default),
    "ndparams": ("ndparams", _merge),
    "ipolicy": ("ipolicy", _merge),
    "hidden_os": ("hidden_os", _edit_list),
    "blacklisted_os": ("blacklisted_os", _edit_list),
    "enabled_data_collectors": ("data_collectors", _collectors("active")),
    "data_collector_interval": ("data_collectors", _collectors("interval")),
}
"""Parameter of the opcode to the cluster's attribute, and how the old value becomes the new one."""

_NOT_CARRIED_OUT = ("hv_state", "disk_state", "add_uids", "remove_uids")


def new_attributes(op: Op, cluster: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cluster's attributes as they are to be."""
    found: dict[str, Any] = {}
    for name, (attribute, merge) in PARAMETERS.items():
        if op.get(name) is not None:
            found[attribute] = merge(found.get(attribute, cluster.get(attribute)), op[name])
    return found


def _prepare(op: Op, view: ClusterView) -> None:
    for name in _NOT_CARRIED_OUT:
        if op.get(name):
            raise PrerequisiteError(f"Gantry cannot change {name} of the cluster yet", WRONG_INPUT)
    new = new_attributes(op, view.cluster)
    running = int(new.get("max_running_jobs") or view.cluster.get("max_running_jobs") or 1)
    tracked = int(new.get("max_tracked_jobs") or view.cluster.get("max_tracked_jobs") or 1)
    if running > tracked and op.get("max_tracked_jobs") is not None:
        raise PrerequisiteError(f"Cannot track fewer jobs ({tracked}) than may run ({running})", WRONG_INPUT)
    _check_in_use(view, new)
    if "ipolicy" in new:
        check_policy(new["ipolicy"], view)
    parameters = (new.get("beparams") or {}).get("default") or {}
    if int(parameters.get("minmem") or 0) > int(parameters.get("maxmem") or parameters.get("minmem") or 0):
        raise PrerequisiteError("Minimum memory must not exceed maximum memory", WRONG_INPUT)


def _check_in_use(view: ClusterView, new: Mapping[str, Any]) -> None:
    """Refuse to switch off what instances use.

    Raises:
        PrerequisiteError: instances use it, or nothing would stay enabled.
    """
    if "enabled_hypervisors" in new:
        if not new["enabled_hypervisors"]:
            raise PrerequisiteError("At least one hypervisor must be enabled", WRONG_INPUT)
        using = [item for item in view.instances.values() if item.get("hypervisor") not in new["enabled_hypervisors"]]
        if using:
            raise PrerequisiteError(
                f"Cannot disable hypervisor '{using[0]['hypervisor']}': instances use it: {', '.join(names_of(using))}",
                WRONG_STATE,
            )
    if "enabled_disk_templates" in new:
        if not new["enabled_disk_templates"]:
            raise PrerequisiteError("At least one disk template must be enabled", WRONG_INPUT)
        allowed = {*new["enabled_disk_templates"], "diskless"}
        users = [item for item in view.instances.values() if view.disk_template(item) not in allowed]
        if users:
            raise PrerequisiteError(
                f"Cannot disable disk template '{view.disk_template(users[0])}': instances use it:"
                f" {', '.join(names_of(users))}",
                WRONG_STATE,
            )
    if new.get("volume_group_name", "") is None:
        local = [item for item in view.instances.values() if view.disk_template(item) in {"plain", "drbd"}]
        if local:
            raise PrerequisiteError("Cannot disable lvm storage while lvm-based instances exist", WRONG_INPUT)


def changed(op: Op, view: ClusterView) -> Change:
    """Return the change of the configuration, none once it is done; a larger pool gets its candidates at once."""
    new = new_attributes(op, view.cluster)
    different = {name: value for name, value in new.items() if view.cluster.get(name) != value}
    changes = [set_cluster(**different)] if different else []
    if "candidate_pool_size" in new:
        config = {**view.config, "cluster": {**view.cluster, **new}}
        after = ClusterView(config)
        now, should = candidate_pool(after)
        for uuid in promotable(after, should - now, without=""):
            changes.append(put("nodes", {**view.nodes[uuid], "master_candidate": True}))
    return together(changes) if changes else NO_CHANGE


def _run(context: Context, _: None) -> None:
    context.change(lambda view: changed(context.op, view))


UNITS = {
    "OP_CLUSTER_SET_PARAMS": Unit(
        run=_run,
        takes=tuple(take(level, Mode.SHARED, everything) for level in (Level.INSTANCE, Level.NODEGROUP, Level.NODE)),
        prepare=_prepare,
    ),
}
