"""Reading a cluster over LUXI: what is asked, what becomes of the answers, and how bad ones are refused."""

from pathlib import Path
from typing import Any

import pytest

from htools.backends import luxi
from htools.errors import AccessError, LoadError
from spec.allocator.cluster import AllocPolicy, Disk, DiskTemplate, InstanceStatus

ISPEC = {"memory-size": 1, "cpu-count": 1, "disk-size": 1, "disk-count": 1, "nic-count": 1, "spindle-use": 1}
POLICY = {
    "minmax": [{"min": ISPEC, "max": ISPEC | {"memory-size": 4096}}],
    "std": ISPEC | {"memory-size": 128},
    "disk-templates": ["drbd", "plain"],
    "vcpu-ratio": 4,
    "spindle-ratio": 32.0,
}
NODE = ["n1", 4096, 512, 3000, 102400, 50000, 8, 1, False, False, True, 1, "uuid-g", ["t"], False, None, None, 1.5]
OTHER: list[Any] = [
    "n2",
    None,
    None,
    None,
    None,
    None,
    None,
    None,
    True,
    False,
    True,
    3,
    "uuid-g",
    [],
    False,
    None,
    None,
    1.0,
]
INSTANCE = ["i1", 1152, 1024, 2, "running", "n1", ["n2"], ["x"], True, "drbd", 1, [1024], [None], False]
OFFLINE = {"mtotal", "mnode", "mfree", "dtotal", "dfree", "ctotal", "cnos", "sptotal", "spfree"}


def row(fields: tuple[str, ...], values: list[Any], **changed: Any) -> list[list[Any]]:
    cells = dict(zip(fields, values, strict=True)) | changed
    return [[0, value] if value is not None else [4, None] for value in cells.values()]


GROUP_ROW = row(luxi.GROUP_FIELDS, ["uuid-g", "default", "last_resort", POLICY, ["gt"]])


class Daemon:
    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[Any, ...]] = []

    def call(self, method: str, *args: Any) -> Any:
        self.asked.append((method, *args))
        if method == "QueryClusterInfo":
            return {"tags": ["c"], "ipolicy": POLICY, "master": "n1", "default_hypervisor": "kvm"}
        rows = {
            "group": [GROUP_ROW],
            "node": [row(luxi.NODE_FIELDS, NODE), row(luxi.NODE_FIELDS, OTHER)],
            "instance": [row(luxi.INSTANCE_FIELDS, INSTANCE)],
        }
        return {"fields": [], "data": self.answers.get(args[0], rows[args[0]])}


def test_the_cluster_that_luxid_describes() -> None:
    daemon = Daemon()
    cluster = luxi.read("socket", daemon)
    assert [question[:2] for question in daemon.asked] == [
        ("Query", "node"),
        ("Query", "instance"),
        ("QueryClusterInfo",),
        ("Query", "group"),
    ]
    group, (first, second), (instance,) = cluster.groups[0], cluster.nodes, cluster.instances
    assert (group.name, group.uuid, group.alloc_policy) == ("default", "uuid-g", AllocPolicy.LAST_RESORT)
    assert group.policy.bounds[0].maximum.memory == 4096
    assert (first.total_memory, first.free_disk, first.cpu_speed, first.master) == (4096.0, 50000, 1.5, True)
    assert (second.offline, second.total_memory, second.spindles, second.master) == (True, 0.0, 3, False)
    assert (instance.primary, instance.secondary, instance.disk_template) == (0, 1, DiskTemplate.DRBD)
    assert (instance.status, instance.disks) == (InstanceStatus.RUNNING, (Disk(1024, None),))
    assert (cluster.tags, cluster.policy.standard.memory) == (("c",), 128)


def test_missing_disk_sizes_have_defaults() -> None:
    nodes = [row(luxi.NODE_FIELDS, NODE, dtotal=None, dfree=None), row(luxi.NODE_FIELDS, OTHER)]
    first = luxi.read("socket", Daemon(node=nodes)).nodes[0]
    assert (first.total_disk, first.free_disk) == (0.0, 0)


@pytest.mark.parametrize(
    ("what", "key", "bad", "text"),
    [
        ("node", "mtotal", None, "node 'n1'.*node is offline"),
        ("node", "mfree", "x", "'mfree'.*node 'n1': expected an integer"),
        ("node", "group.uuid", "?", "expected the name of a known group"),
        ("instance", "pnode", "n9", "instance 'i1'.*known node, found \"n9\""),
        ("instance", "snodes", [], "secondary node of a drbd instance"),
        ("instance", "status", "odd", "one of ADMIN_down"),
        ("instance", "disk.sizes", ["a"], "a list of integers"),
        ("instance", "disk.sizes", [2**63], "a list of integers of 64 bits"),
        ("instance", "disk.spindles", [2**63], "a list of integers of 64 bits or nulls"),
        ("instance", "snodes", ["n1"], "another node than the primary"),
        ("node", "ctotal", 10**400, "a number within the range of a double"),
    ],
)
def test_bad_answers(what: str, key: str, bad: Any, text: str) -> None:
    if what == "node":
        rows = [row(luxi.NODE_FIELDS, NODE, **{key: bad}), row(luxi.NODE_FIELDS, OTHER)]
    else:
        rows = [row(luxi.INSTANCE_FIELDS, INSTANCE, **{key: bad})]
    with pytest.raises(LoadError, match=text):
        luxi.read("socket", Daemon(**{what: rows}))


def test_answers_that_are_no_answers() -> None:
    with pytest.raises(LoadError, match="18 values for a node"):
        luxi.read("socket", Daemon(node=[[]]))
    odd = row(luxi.NODE_FIELDS, NODE)
    odd[1] = [[], None]
    with pytest.raises(LoadError, match=r"unknown status \[\]"):
        luxi.read("socket", Daemon(node=[odd]))
    with pytest.raises(LoadError, match="a JSON object"):
        luxi.parse("socket", {"data": []}, {"data": []}, {"data": []}, None)


@pytest.mark.parametrize("status", [None, False, "0", [1, None], {}, 9, 1.0])
def test_statuses_that_are_none(status: Any) -> None:
    node = row(luxi.NODE_FIELDS, NODE)
    node[1] = [status, 4096]  # the memory must be known
    with pytest.raises(LoadError, match="field 'mtotal': node 'n1': the cluster answered the unknown status"):
        luxi.read("socket", Daemon(node=[node, row(luxi.NODE_FIELDS, OTHER)]))
    node = row(luxi.NODE_FIELDS, NODE)
    node[4] = [status, 102400]  # the disk need not be
    assert luxi.read("socket", Daemon(node=[node, row(luxi.NODE_FIELDS, OTHER)])).nodes[0].total_disk == 0.0


def test_sizes_of_disks_may_be_written_as_fractions() -> None:
    instance = row(luxi.INSTANCE_FIELDS, INSTANCE, **{"disk.sizes": [1023.5]})
    assert luxi.read("socket", Daemon(instance=[instance])).instances[0].disks == (Disk(1024, None),)


def test_who_reaches_nobody_is_asked_what_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(AccessError) as below:
        luxi.load("", str(tmp_path))
    with pytest.raises(AccessError) as named:
        luxi.load(f"{tmp_path}/sock", str(tmp_path))
    first, second = str(below.value).split("\n")
    assert first.startswith("Network.Socket.connect: <socket: 3>: does not exist (No such file")
    assert second.startswith(f"{tmp_path}/var/run/ganeti/socket/ganeti-query: is luxid running")
    assert second.endswith("is --root or $GANTRY_ROOT the cluster's directory? (Ganeti's is /)")
    first, second = str(named.value).split("\n")
    assert second.startswith(f"{tmp_path}/sock: does a luxid listen there?")
    assert "gantry cluster" not in second
