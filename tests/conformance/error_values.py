"""Wrong values within requests, saved answers, reports and a daemon's answers, each with Ganeti's phrase.

The cluster that they are about, as text, is here too; the table of all cases is `error_cases.py`.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from htools.backends import text
from tests.conformance.damaged_cases import rapi_answers
from tests.conformance.random_requests import random_request

GROUP = "group0|uuid-0|preferred||"
NODE = "node0|8192|1024|7168|1000000|979392|8|M|uuid-0|1||N|0|0|1.0"
OTHER = "node1|8192|1024|6912|1000000|979392|8|N|uuid-0|1||N|0|0|1.0"
INSTANCE = "inst0|256|20608|4|running|Y|node1|node0|drbd||1|-|N"
POLICY = "|128,1,1024,1,1,1|128,1,128,1,1,1;65536,32,4194304,16,8,12|diskless,drbd|8.0|12.5"


def cluster(group: str = GROUP, nodes: str = f"{NODE}\n{OTHER}", instance: str = INSTANCE, policy: str = POLICY) -> str:
    """Return a cluster in the text format."""
    return f"{group}\n\n{nodes}\n\n{instance}\n\ntag\n\n{policy}\n"


def with_part(line: str, place: int, value: str, separator: str = "|") -> str:
    parts = line.split(separator)
    parts[place] = value
    return separator.join(parts)


def saved_answers() -> dict[str, Any]:
    return rapi_answers(text.parse(cluster()))


def changed(value: Any, path: tuple[str | int, ...], new: Any) -> str:
    """Return a JSON text with one value changed, or left out (`...`)."""
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if new is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return json.dumps(value)


def _keys(value: Mapping[str, Any], without: str) -> str:
    return "[" + ",".join(f'"{key}"' for key in value if key != without) + "]"


def requests() -> Iterator[tuple[str, str]]:
    request = random_request(0)
    request["request"] = {"type": "relocate", "name": next(iter(request["instances"])), "required_nodes": 1}
    request["request"]["relocate_from"] = [next(iter(request["nodes"]))]
    node, first = next(iter(request["nodes"].items()))
    name, vm = next(iter(request["instances"].items()))
    uuid = next(iter(request["nodegroups"]))
    message, of_node = "invalid iallocator message", f"invalid data for node '{node}'"
    of_vm, of_group = f"invalid data for instance '{name}'", f"invalid data for group '{uuid}'"
    asked = "invalid request dict"
    policy = f"{of_group}: key 'ipolicy'"
    missing, part = "not found, object contains only", "Can't parse value for '{}'"
    changes: tuple[tuple[tuple[str | int, ...], Any, str], ...] = (
        (("request",), ..., f"{message}: key 'request' {missing} {_keys(request, 'request')}"),
        (("request",), 0, f"{message}: key 'request': Unable to read JSObject"),
        (("nodes",), [], f"{message}: key 'nodes': Unable to read JSObject"),
        (("cluster_tags",), [1], f"{message}: key 'cluster_tags': Unable to read String"),
        (("enabled_hypervisors", 0), "x", f"{message}: key 'enabled_hypervisors': {no_such('Hypervisor', 'x')}"),
        (("nodegroups", uuid), None, "not an object"),
        (("nodegroups", uuid, "alloc_policy"), "x", f"{of_group}: key 'alloc_policy': {no_such('AllocPolicy', 'x')}"),
        (("nodegroups", uuid, "ipolicy", "std"), [], f"{policy}: Can't parse value for 'std': Unable to read JSObject"),
        (
            ("nodegroups", uuid, "ipolicy", "minmax", 0, "min", "nic-count"),
            "1",
            f"{policy}: {part.format('minmax')}: {part.format('min')}: {part.format('nic-count')}: Unable to read Int",
        ),
        (("nodes", node, "offline"), ..., f"{of_node}: key 'offline' {missing} {_keys(first, 'offline')}"),
        (("nodes", node, "total_memory"), "1", f"{of_node}: key 'total_memory': Unable to read Double"),
        (("nodes", node, "group"), "x", f"Unknown group 'x' for node {node}"),
        (("nodes", node, "ndparams"), 1, "not an object"),
        (("nodes", node, "ndparams", "exclusive_storage"), 1, f"{of_node}: key 'exclusive_storage': {_read('Bool')}"),
        (("instances", name, "memory"), "x", f"{of_vm}: key 'memory': Unable to read Int"),
        (("instances", name, "vcpus"), ..., f"{of_vm}: key 'vcpus' {missing} {_keys(vm, 'vcpus')}"),
        (("instances", name, "disk_template"), "x", f"{of_vm}: key 'disk_template': {no_such('DiskTemplate', 'x')}"),
        (("instances", name, "disks"), {"a": 1.5}, 'Invalid input, expected array but got {"a": 1.5}'),
        (("instances", name, "disks", 0, "size"), None, f"{of_vm}: key 'size': Unable to read Int"),
        (("instances", name, "nodes", 0), "x", f"Unknown node 'x' for instance {name}"),
        (("instances", name, "nodes", 0), 1, "Wrong JSON type"),
        (("instances", name, "nodes"), [], f"empty node list for instance {name}"),
        (("instances", name, "nics"), [{"mode": "x"}], f"invalid NIC mode in instance {name}"),
        (("request", "type"), "x", "Invalid request type 'x'"),
        (("request", "name"), None, f"{asked}: key 'name': Unable to read String"),
        (("request", "name"), "x", "Unknown instance 'x'"),
        (("request", "relocate_from"), ["x"], "Wrong number of elems found with name x"),
        (("request", "required_nodes"), "1", f"{asked}: key 'required_nodes': Unable to read Int"),
    )
    for path, new, phrase in changes:
        yield changed(request, path, new), phrase
    evacuation = {"type": "node-evacuate", "instances": [name], "evac_mode": "some"}
    yield json.dumps(request | {"request": evacuation}), f"{asked}: key 'evac_mode': {no_such('EvacMode', 'some')}"


def no_such(kind: str, value: str) -> str:
    return f'Invalid string value for type {kind}: "{value}"'


def _read(kind: str) -> str:
    return f"Unable to read {kind}"


_OF_NODE = "Node 'node0', error while parsing data: "
_OF_INSTANCE = "Instance 'inst0', error while parsing data: "
SAVED: tuple[tuple[tuple[str | int, ...], Any, str], ...] = (
    (("groups",), {}, "Parsing group data: Unable to read list"),
    (("nodes",), [1], "Parsing node data: Unable to read JSObject"),
    (("info",), [], "Parsing cluster info: Unable to read JSObject"),
    (("groups", 0, "name"), 1, "Parsing new group: key 'name': Unable to read String"),
    (("groups", 0, "uuid"), 1, "Group 'group0': key 'uuid': Unable to read String"),
    (("groups", 0, "ipolicy"), 1, "Group 'group0': key 'ipolicy': Unable to read JSObject"),
    (("nodes", 0, "mfree"), "x", f"{_OF_NODE}key 'mfree': Unable to read Int"),
    (("nodes", 0, "dfree"), "x", "key 'dfree': Unable to read Int"),
    (("nodes", 0, "group.uuid"), "x", "Unknown group 'x' for node node0"),
    (("instances", 0, "status"), "x", f"{_OF_INSTANCE}key 'status': {no_such('InstanceStatus', 'x')}"),
    (("instances", 0, "pnode"), "x", "Unknown node 'x' for instance inst0"),
    (("instances", 0, "disk.spindles"), 1, f"{_OF_INSTANCE}Expecting array, got '1'"),
    (("info", "tags"), [1], "Parsing cluster data: key 'tags': Unable to read String"),
    (("info", "master"), "x", "Master node x unknown"),
)
"""Changes to saved answers of the remote API, and phrases."""

_NO_STATUS = "Invalid string value for type ResultStatus:"
_READING, _CONVERT = "error while reading attribute", "Cannot convert value"
ANSWERS: tuple[tuple[str, str, Any, str], ...] = (
    (
        "node",
        "mtotal",
        [0, "x"],
        f"Node 'n1', {_READING} 'mtotal': {_CONVERT} '\"x\"', error: Unable to read Double",
    ),
    ("node", "mfree", [4, None], f"Node 'n1', {_READING} 'mfree': Ganeti reports resource as offline"),
    ("node", "group.uuid", [0, "x"], "Unknown group 'x' for node n1"),
    (
        "node",
        "ndp/spindle_count",
        [0, None],
        f"Node 'n1', {_READING} 'spindles': {_CONVERT} 'null', error: Unable to read Int",
    ),
    ("node", "offline", 1, "Invalid query field, expected (status, value) but got JSRational False (1 % 1)"),
    ("node", "name", [1, None], "Parsing new node: Unknown field"),
    ("instance", "pnode", [0, "x"], "Unknown node 'x' for instance i1"),
    (
        "instance",
        "status",
        [0, "x"],
        f"Instance 'i1', {_READING} 'status': {_CONVERT} '\"x\"', error: {no_such('InstanceStatus', 'x')}",
    ),
    ("instance", "disk.spindles", [0, {}], f"Instance 'i1', {_READING} 'disk.spindles': Expecting array, got '{{}}'"),
    (
        "group",
        "alloc_policy",
        [9, 1],
        f"Group 'default', {_READING} 'alloc_policy': {_CONVERT} '9', error: {_NO_STATUS} 9",
    ),
    ("info", "tags", None, "Parsing cluster info: key 'tags': Unable to read list"),
    ("info", "master", "x", "Master node x unknown"),
)
"""What of a daemon's answers is changed (an object's field, or the cluster's), and phrases."""


def reports() -> Iterator[tuple[str, str]]:
    keys = {"name": "a", "version": "1", "format_version": 1, "timestamp": 5, "category": None, "kind": 0, "data": {}}
    node = [{"node": "node0", "reports": [keys]}]
    within = "Parsing node's reports: key 'reports': "
    wrong, allowed = f"{within}Can't parse value for ", _keys(dict(sorted(keys.items())), "")
    yield "{}", "Parsing MonD's answer: Unable to read list"
    yield "[1]", "Parsing MonD's answer: Unable to read JSObject"
    yield "[{}]", "Parsing node's name: key 'node' not found, object contains only []"
    yield '[{"node":"a","reports":1}]', f"{within}Unable to read list"
    changes: tuple[tuple[str, Any, str], ...] = (
        ("name", None, f"{wrong}'name': Unable to read String"),
        ("version", 1.5, f"{wrong}'version': Invalid JSON value JSRational False (3 % 2) for type DCVersion"),
        ("timestamp", "x", f"{wrong}'timestamp': Unable to read Integer"),
        ("category", "x", f"{wrong}'category': Invalid category name x for type DCCategory"),
        ("kind", 7, f"{wrong}'kind': Invalid JSON value 7 for type DCKind"),
        (
            "kind",
            "x",
            f"{wrong}'kind': Invalid JSON value JSString (JSONString {{fromJSString = \"x\"}}) for type DCKind",
        ),
        ("data", ..., f"{within}key 'data' not found, object contains only {_keys(keys, 'data')}"),
        ("more", 1, f'{within}Superfluous dictionary keys: ["more"], but only {allowed} allowed.'),
    )
    for key, new, phrase in changes:
        yield changed(node, (0, "reports", 0, key), new), phrase
