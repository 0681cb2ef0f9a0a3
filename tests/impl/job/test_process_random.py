"""Random opcodes, one after the other: whatever is asked, the cluster stays sound and nothing is left locked.

Invariant: a job ends; what failed has changed nothing; no reference leads nowhere, no DRBD minor or port is used twice,
no node is overfull, nobody holds a lock, and nothing stays set aside.
"""

import json
import random
from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.job.units.verification import configuration_findings, group_findings
from impl.queue.status import job_status
from tests import budget
from tests.impl.clusters import GIB
from tests.impl.job.conftest import Bench, made_bench

NODES = [f"node{number}" for number in range(1, 6)]
INSTANCES = ["web1", "web2", "db", "new1", "new2", "nosuch"]
GROUPS = ["default", "second", "third"]


class Asker:
    """Draws opcodes that make sense more often than not."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.instances: list[str] = []
        self.nodes: list[str] = NODES

    def look(self, config: dict[str, Any]) -> None:
        """See what is there, to ask about that most of the time."""
        self.instances = sorted(item["name"] for item in config["instances"].values())
        self.nodes = sorted(item["name"] for item in config["nodes"].values())

    def node(self) -> str:
        name: str = self.pick(*(self.nodes if self.pick(True, True, True, False) else NODES))
        return name

    def pick(self, *values: Any) -> Any:
        return self.draw.choice(values)

    def opcode(self) -> dict[str, Any]:
        makers = [
            self.migrate, self.fail_over, self.replace, self.replace, self.node_flags, self.node_flags, self.create,
            self.create, self.remove, self.state, self.state, self.group, self.assign, self.tags, self.parameters,
            self.add_node, self.power, self.verify, self.instance_parameters, self.grow,
        ]  # fmt: skip
        if len(self.nodes) < 4 and self.pick(True, False, False):  # else little could be done after a while
            makers = [self.add_node]
        elif len(self.instances) < 3 and self.pick(True, False, False):
            makers = [self.create]
        op: dict[str, Any] = self.draw.choice(makers)()
        return op

    def about(self, op_id: str, **more: Any) -> dict[str, Any]:
        there = (
            self.instances if self.instances and op_id != "OP_INSTANCE_CREATE" and self.pick(True, True, False) else ()
        )
        return {"OP_ID": op_id, "instance_name": self.pick(*(there or INSTANCES)), **more}

    def migrate(self) -> dict[str, Any]:
        return self.about("OP_INSTANCE_MIGRATE", allow_failover=self.pick(True, False))

    def fail_over(self) -> dict[str, Any]:
        return self.about("OP_INSTANCE_FAILOVER", target_node=self.pick(None, self.node()))

    def replace(self) -> dict[str, Any]:
        if self.pick(True, True, False):
            return self.about("OP_INSTANCE_REPLACE_DISKS", mode="replace_new_secondary", remote_node=self.node())
        return self.about("OP_INSTANCE_REPLACE_DISKS", mode=self.pick("replace_on_primary", "replace_auto"), disks=[0])

    def node_flags(self) -> dict[str, Any]:
        flag = self.pick("drained", "offline", "master_candidate", "vm_capable")
        return {
            "OP_ID": "OP_NODE_SET_PARAMS", "node_name": self.node(), flag: self.pick(True, False, False, False),
            "auto_promote": self.pick(True, False), "force": self.pick(True, False),
        }  # fmt: skip

    def create(self) -> dict[str, Any]:
        template = self.pick("drbd", "drbd", "plain", "diskless")
        first, second = self.draw.sample(self.nodes if len(self.nodes) > 1 else NODES, 2)
        return self.about(
            "OP_INSTANCE_CREATE", mode="create", os_type="noop", disk_template=template, nics=[],
            disks=[] if template == "diskless" else [{"size": self.pick(1, 10, 400) * GIB}] * self.pick(1, 2),
            pnode=first, snode=second if template == "drbd" else None, start=self.pick(True, False),
            beparams={"maxmem": self.pick(1, 20) * GIB, "minmem": GIB}, ignore_ipolicy=self.pick(True, False),
        )  # fmt: skip

    def remove(self) -> dict[str, Any]:
        return self.about("OP_INSTANCE_REMOVE", ignore_failures=self.pick(True, False))

    def state(self) -> dict[str, Any]:
        op_id = self.pick("OP_INSTANCE_STARTUP", "OP_INSTANCE_SHUTDOWN", "OP_INSTANCE_REBOOT")
        more = (
            {"reboot_type": "hard"}
            if op_id == "OP_INSTANCE_REBOOT"
            else {"ignore_offline_nodes": self.pick(True, False)}
        )
        return self.about(op_id, **more)

    def instance_parameters(self) -> dict[str, Any]:
        change = self.pick(
            {"disks": [["add", -1, {"size": self.pick(1, 100) * GIB}]]}, {"disks": [["remove", 0, {}]]},
            {"nics": [["add", -1, {}]]}, {"nics": [["remove", -1, {}]]},
            {"disks": [["remove", -1, {}], ["add", 0, {"size": GIB}]]}, {"beparams": {"maxmem": 4 * GIB}},
        )  # fmt: skip
        return self.about("OP_INSTANCE_SET_PARAMS", **change, ignore_ipolicy=self.pick(True, False))

    def grow(self) -> dict[str, Any]:
        return self.about("OP_INSTANCE_GROW_DISK", disk=self.pick(0, 1), amount=self.pick(1, 900) * GIB)

    def group(self) -> dict[str, Any]:
        op_id = self.pick("OP_GROUP_ADD", "OP_GROUP_REMOVE", "OP_GROUP_RENAME")
        more = {"new_name": self.pick(*GROUPS)} if op_id == "OP_GROUP_RENAME" else {}
        return {"OP_ID": op_id, "group_name": self.pick(*GROUPS), **more}

    def assign(self) -> dict[str, Any]:
        nodes = self.draw.sample(self.nodes, self.pick(1, min(3, len(self.nodes))))
        return {
            "OP_ID": "OP_GROUP_ASSIGN_NODES", "group_name": self.pick(*GROUPS), "nodes": nodes,
            "force": self.pick(True, False),
        }  # fmt: skip

    def tags(self) -> dict[str, Any]:
        kind, name = self.pick(("cluster", None), ("node", "node1"), ("instance", "web1"), ("nodegroup", "default"))
        op_id = self.pick("OP_TAGS_SET", "OP_TAGS_DEL")
        return {"OP_ID": op_id, "kind": kind, "name": name, "tags": [self.pick("a", "b", "b b")]}

    def parameters(self) -> dict[str, Any]:
        change = self.pick(
            {"candidate_pool_size": self.pick(1, 3, 10)}, {"beparams": {"vcpus": self.pick(1, 2)}},
            {"enabled_disk_templates": self.pick(["plain"], ["drbd", "plain", "diskless"])}, {"max_running_jobs": 3},
        )  # fmt: skip
        return {"OP_ID": "OP_CLUSTER_SET_PARAMS", **change}

    def add_node(self) -> dict[str, Any]:
        if self.pick(True, False, False):
            return {"OP_ID": "OP_NODE_REMOVE", "node_name": self.node()}
        number = self.pick(*range(1, 6))
        hardware = {"mem_total": 64 * GIB, "mem_node": GIB, "cpu_total": 8}
        return {
            "OP_ID": "OP_NODE_ADD", "node_name": f"node{number}.example.com",
            "primary_ip": f"192.0.2.{self.pick(number, number, number, 5)}", "group": self.pick(None, *GROUPS),
            "hv_state": {"fake": hardware}, "disk_state": {"lvm": {"xenvg": {"disk_total": 900 * GIB}}},
        }  # fmt: skip

    def power(self) -> dict[str, Any]:
        return {"OP_ID": "OP_OOB_COMMAND", "command": "power-off", "node_names": [self.node()]}

    def verify(self) -> dict[str, Any]:
        return {"OP_ID": "OP_CLUSTER_VERIFY_GROUP", "group_name": self.pick(*GROUPS)}


def ports_add_up(config: dict[str, Any]) -> bool:
    """Whether every port up to the highest is in use once, or in the pool, or was never in our hands."""
    pool = config["cluster"]["tcpudp_port_pool"]
    used = [disk["logical_id"][2] for disk in config["disks"].values() if disk["dev_type"] == "drbd"]
    return len({*pool, *used}) == len(pool) + len(used)


def check(bench: Bench, history: list[Any]) -> None:
    view = ClusterView(bench.config)
    last = json.dumps(history[-4:])
    assert list(configuration_findings(view)) == [], last
    for group in view.groups.values():
        errors = [
            item for item in group_findings(view, group, redundancy=False) if item.code in {"ENODEHV", "ENODELVM"}
        ]
        assert errors == [], last
    assert bench.wconfd.do_listAllLocksOwners() == [], last
    assert (bench.wconfd.minors, bench.wconfd.volumes) == ({}, {}), last
    assert ports_add_up(bench.config), last
    assert sum(bool(node.get("drained")) + bool(node.get("offline")) > 1 for node in view.nodes.values()) == 0, last
    master = view.nodes[view.master]
    assert (master.get("offline"), master.get("drained")) == (False, False), last


def play(seed: int, count: int) -> dict[str, int]:
    asker = Asker(seed)
    outcomes: dict[str, int] = {}
    with made_bench() as bench:
        history: list[Any] = []
        for number in range(1, count + 1):
            asker.look(bench.config)
            op = {name: value for name, value in asker.opcode().items() if value is not None}
            history.append(op)
            before = bench.config
            job = bench.run(op, job_id=number)
            status = job_status(job)
            history.append(job.ops[0].result)
            assert status in {"success", "error"}, history[-2:]
            if status == "error":
                assert job.ops[0].result[0] in {"OpPrereqError", "OpExecError", "TagError"}, history[-2:]
                assert bench.config == before, history[-2:]
                expected = (
                    job.ops[0].result[0] != "OpExecError" or "get split by this change" in job.ops[0].result[1][0]
                )
                assert expected, history[-2:]
            check(bench, history)
            outcomes[f"{op['OP_ID']} {status}"] = outcomes.get(f"{op['OP_ID']} {status}", 0) + 1
    return outcomes


def check_share(outcomes: dict[str, int]) -> None:
    """A quarter succeeds, and both ends occur: else nothing much was tried."""
    good = sum(count for name, count in outcomes.items() if name.endswith("success"))
    assert sum(outcomes.values()) / 4 < good < sum(outcomes.values()), outcomes


@pytest.mark.parametrize("seed", range(3))
def test_random_opcodes_leave_a_sound_cluster(seed: int) -> None:
    check_share(play(seed, 120))


@pytest.mark.long
@pytest.mark.parametrize("number", range(budget.spent(ci=4, weekly=20)))
def test_many_random_opcodes(number: int) -> None:
    check_share(play(budget.seed() + number, 1000))
