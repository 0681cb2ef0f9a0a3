"""Requests and clusters as records of Ganeti, which hail prints with `-v` and `-v -v`.

Scripts search them for what was requested and read, such as `runSt = StatusDown`. Autorepair tags are not evaluated:
`arPolicy` is always `ArNotEnabled`.

Source: what hail 3.0.2 prints; the Haskell 2010 report (chapter 11) on `show`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from htools.formatting.haskell import show_string
from htools.formatting.numbers import show
from htools.formatting.policy_text import TEMPLATES, show_policy
from htools.model.cluster import Model, NodeModel
from htools.model.instance import NO_NODE, InstanceModel
from htools.placement.outcomes import new_model
from spec.allocator.arithmetic import ratio
from spec.allocator.cluster import (
    AllocPolicy,
    Cluster,
    Disk,
    Group,
    Hypervisor,
    Instance,
    InstanceStatus,
    Nic,
    Policy,
)
from spec.allocator.requests import (
    Allocate,
    AllocateSecondary,
    ChangeGroup,
    Evacuate,
    EvacuationMode,
    MultiAllocate,
    NewInstance,
    Relocate,
    Request,
)

_NAMES: Mapping[str, str] = {
    AllocPolicy.PREFERRED: "AllocPreferred",
    AllocPolicy.LAST_RESORT: "AllocLastResort",
    AllocPolicy.UNALLOCABLE: "AllocUnallocable",
    Hypervisor.KVM: "Kvm",
    Hypervisor.XEN_PVM: "XenPvm",
    Hypervisor.XEN_HVM: "XenHvm",
    Hypervisor.CHROOT: "Chroot",
    Hypervisor.LXC: "Lxc",
    Hypervisor.FAKE: "Fake",
    InstanceStatus.ADMIN_DOWN: "StatusDown",
    InstanceStatus.ADMIN_OFFLINE: "StatusOffline",
    InstanceStatus.ERROR_DOWN: "ErrorDown",
    InstanceStatus.ERROR_UP: "ErrorUp",
    InstanceStatus.NODE_DOWN: "NodeDown",
    InstanceStatus.NODE_OFFLINE: "NodeOffline",
    InstanceStatus.RUNNING: "Running",
    InstanceStatus.USER_DOWN: "UserDown",
    InstanceStatus.WRONG_NODE: "WrongNode",
    EvacuationMode.PRIMARY: "ChangePrimary",
    EvacuationMode.SECONDARY: "ChangeSecondary",
    EvacuationMode.ALL: "ChangeAll",
    "bridged": "Bridged",
    "routed": "Routed",
    "openvswitch": "OpenVSwitch",
    **TEMPLATES,
}
_EVEN = (1.0, 1.0, 1.0, 1.0)
"""The capacity for load of every node."""


class _Word(str):
    """Text that is printed unquoted; other text is quoted."""

    __slots__ = ()


def _name(value: str) -> _Word:
    return _Word(_NAMES[value])


def _shown(value: Any) -> str:
    """Format a value within a record, a list or a pair."""
    match value:
        case _Word():
            return value
        case bool():
            return str(value)
        case str():
            return show_string(value)
        case float():
            return show(value)
        case tuple():
            return f"({','.join(map(_shown, value))})"
        case list():
            return f"[{','.join(map(_shown, value))}]"
        case frozenset():
            return f"fromList {_shown(sorted(value))}"
        case dict():
            return f"fromList {_shown(sorted(value.items()))}"
        case Policy():
            return show_policy(value)
    return str(value)


def _argument(value: Any) -> _Word:
    """Format an argument of a constructor: in parentheses if it has more than one part, or a sign."""
    text = _shown(value)
    alone = not text.startswith("-") and (text[0] in '["' or " " not in text)
    return _Word(text if alone else f"({text})")


def _maybe(value: Any) -> _Word:
    return _Word("Nothing" if value is None else f"Just {_argument(value)}")


def _record(name: str, fields: Mapping[str, Any]) -> _Word:
    return _Word(f"{name} {{{', '.join(f'{field} = {_shown(value)}' for field, value in fields.items())}}}")


def _load(load: Iterable[float]) -> _Word:
    return _record("DynUtil", dict(zip(("cpuWeight", "memWeight", "dskWeight", "netWeight"), load, strict=True)))


def _disk(disk: Disk) -> _Word:
    return _record("Disk", {"dskSize": disk.size, "dskSpindles": _maybe(disk.spindles)})


def _nic(nic: Nic) -> _Word:
    return _record(
        "Nic",
        {
            "mac": _maybe(nic.mac),
            "ip": _maybe(nic.ip),
            "mode": _maybe(None if nic.mode is None else _name(nic.mode)),
            "link": _maybe(nic.link),
            "bridge": _maybe(nic.bridge),
            "network": _maybe(nic.network),
        },
    )


def _instance(vm: InstanceModel, instance: Instance, secondary: int, *, movable: bool) -> _Word:
    return _record(
        "Instance",
        {
            "name": vm.name,
            "alias": vm.alias,
            "mem": instance.memory,
            "dsk": instance.disk,
            "disks": list(map(_disk, instance.disks)),
            "vcpus": instance.vcpus,
            "runSt": _name(instance.status),
            "pNode": vm.primary,
            "sNode": secondary,
            "idx": vm.index,
            "util": _load(vm.load),
            "movable": movable,
            "autoBalance": instance.auto_balance,
            "diskTemplate": _name(instance.disk_template),
            "spindleUse": instance.spindle_use,
            "allTags": list(instance.tags),
            "exclTags": list(vm.exclusion_tags),
            "dsrdLocTags": vm.desired_locations,
            "locationScore": vm.location_score,
            "arPolicy": _Word("ArNotEnabled"),
            "nics": list(map(_nic, instance.nics)),
            "forthcoming": instance.forthcoming,
        },
    )


def _new(new: NewInstance, cluster: Cluster) -> tuple[_Word, _Word]:
    vm = new_model(new.instance, cluster)
    details = f"AllocDetails {_argument(new.nodes)} {_argument(_maybe(new.group))}"
    return _instance(vm, new.instance, 0, movable=new.instance.movable), _Word(details)


def request_record(request: Request, cluster: Cluster) -> str:
    """Format a request; its new instances get the tags that matter in this cluster."""
    match request:
        case Allocate():
            instance, details = _new(request.new, cluster)
            only = _maybe(None if request.restricted_to is None else list(request.restricted_to))
            return f"Allocate ({instance}) ({details}) {_argument(only)}"
        case MultiAllocate():
            return f"MultiAllocate {_shown([_new(new, cluster) for new in request.new])}"
        case AllocateSecondary():
            return f"AllocateSecondary {request.instance}"
        case Relocate():
            return f"Relocate {request.instance} {_argument(request.nodes)} {_shown(list(request.leave))}"
        case Evacuate():
            return f"NodeEvacuate {_shown(list(request.instances))} {_name(request.mode)}"
        case ChangeGroup():
            return f"ChangeGroup {_shown(list(request.instances))} {_shown(list(request.groups))}"


def _group(index: int, group: Group) -> _Word:
    return _record(
        "Group",
        {
            "name": group.name,
            "uuid": group.uuid,
            "idx": index,
            "allocPolicy": _name(group.alloc_policy),
            "networks": list(group.networks),
            "iPolicy": group.policy,
            "allTags": list(group.tags),
        },
    )


def _part_of_disk(node: NodeModel, disk: int, spindles: int) -> float:
    part, whole = (spindles, node.total_spindles) if node.exclusive else (disk, node.total_disk)
    return ratio(part, whole) if whole else 1.0


def _node(node: NodeModel, policy: Policy, planned_load: Iterable[float]) -> _Word:
    reported = node.node
    return _record(
        "Node",
        {
            "name": node.name,
            "alias": node.alias,
            "tMem": node.total_memory,
            "nMem": reported.node_memory,
            "iMem": node.instance_memory,
            "fMem": reported.free_memory,
            "fMemForth": node.planned_free_memory,
            "xMem": node.missing_memory,
            "tDsk": node.total_disk,
            "fDsk": node.free_disk,
            "fDskForth": node.planned_free_disk,
            "tCpu": node.total_cpus,
            "tCpuSpeed": node.cpu_speed,
            "nCpu": reported.node_cpus,
            "uCpu": node.used_cpus,
            "uCpuForth": node.planned_used_cpus,
            "tSpindles": node.total_spindles,
            "fSpindles": node.free_spindles,
            "fSpindlesForth": node.planned_free_spindles,
            "pList": node.primaries,
            "pListForth": node.planned_primaries,
            "sList": node.secondaries,
            "sListForth": node.planned_secondaries,
            "idx": node.index,
            "peers": node.peers,
            "failN1": node.n1_failed,
            "failN1Forth": True,
            "rMem": node.reserved,
            "rMemForth": 0,
            "pMem": ratio(node.free_memory, node.total_memory),
            "pMemForth": ratio(node.planned_free_memory, node.total_memory),
            "pDsk": _part_of_disk(node, node.free_disk, node.free_spindles),
            "pDskForth": _part_of_disk(node, node.planned_free_disk, node.planned_free_spindles),
            "pRem": ratio(node.reserved, node.total_memory),
            "pRemForth": 0.0,
            "pCpu": ratio(node.used_cpus, node.total_cpus),
            "pCpuForth": ratio(node.planned_used_cpus, node.total_cpus),
            "mDsk": 0.0,
            "loDsk": node.low_disk,
            "hiCpu": node.high_cpus,
            "hiSpindles": node.high_spindles,
            "instSpindles": node.spindle_use,
            "instSpindlesForth": node.planned_spindle_use,
            "offline": node.offline,
            "isMaster": reported.master,
            "nTags": list(reported.tags),
            "utilPool": _load(_EVEN),
            "utilLoad": _load(node.load),
            "utilLoadForth": _load(planned_load),
            "pTags": node.tag_counts,
            "group": node.group,
            "iPolicy": policy,
            "exclStorage": node.exclusive,
            "migTags": node.migration_tags,
            "rmigTags": node.accepted_migration_tags,
            "locationTags": node.location_tags,
            "locationScore": node.location_score,
            "instanceMap": node.pair_counts,
            "hypervisor": _maybe(None if reported.hypervisor is None else _name(reported.hypervisor)),
        },
    )


def _planned_loads(model: Model) -> dict[int, list[float]]:
    """Return the load of each node, forthcoming instances included."""
    loads = {index: [0.0, 0.0, 0.0, 0.0] for index in model.nodes}
    for vm in model.instances.values():
        if vm.secondary != vm.primary:
            loads[vm.primary] = [mine + more for mine, more in zip(loads[vm.primary], vm.load, strict=True)]
        if vm.secondary != NO_NODE:
            loads[vm.secondary][2] += vm.load[2]
    return loads


def cluster_record(cluster: Cluster, model: Model) -> str:
    """Format a cluster and its accounts."""
    loads = _planned_loads(model)
    nodes = {index: _node(node, cluster.groups[node.group].policy, loads[index]) for index, node in model.nodes.items()}
    instances = {
        index: _instance(vm, vm.instance, vm.secondary, movable=vm.movable) for index, vm in model.instances.items()
    }
    return _record(
        "ClusterData",
        {
            "cdGroups": {index: _group(index, group) for index, group in enumerate(cluster.groups)},
            "cdNodes": nodes,
            "cdInstances": instances,
            "cdTags": list(cluster.tags),
            "cdIPolicy": cluster.policy,
        },
    )
