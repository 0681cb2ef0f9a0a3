"""The use case of restricted migration: each node of a cluster is drained, evacuated, upgraded and undrained.

Old hypervisors accept no instances from new ones, so instances may migrate only from the node that is upgraded next,
and nothing else is balanced in between. The master cannot be drained and is left out (it would be upgraded after a
fail-over of the master role). Without the restriction, hbal would also migrate instances from other nodes here.
"""

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from checkers.plans.outcome import broken_promises
from checkers.plans.reader import read_plan
from htools.backends import luxi, text
from tests.e2e.conftest import Chain, chain_of, hbal

pytestmark = [pytest.mark.xdist_group("chain"), pytest.mark.long]

RULES = ("--evac-mode", "--restricted-migration")


def varied() -> str:
    """Return five nodes and ten mirrored instances of various sizes, as text."""
    rng = random.Random(2)
    memory, disk, instances = [0] * 5, [0] * 5, ""
    for number in range(10):
        primary = rng.randrange(5)
        secondary = (primary + rng.randrange(1, 5)) % 5
        size, room, cores = rng.choice((1024, 2048, 4096)), rng.choice((10240, 20480)), rng.choice((1, 2))
        memory[primary] += size
        disk[primary] += room
        disk[secondary] += room
        instances += f"vm{number}|{size}|{room}|{cores}|running|Y|n{primary}|n{secondary}|drbd||1|-|N\n"
    nodes = "".join(
        f"n{at}|32768|1024|{31744 - memory[at]}|409600|{409600 - disk[at]}|16|{'N' if at else 'M'}|u|1||N|0|1|1.0\n"
        for at in range(5)
    )
    return f"g|u|preferred||\n\n{nodes}\n{instances}\n\n"


@pytest.fixture
def chain() -> Iterator[Chain]:
    with chain_of(text.parse(varied()), 0.0) as it:
        yield it


def drain(chain: Chain, node: str, *, drained: bool) -> None:
    job = chain.submit({"OP_ID": "OP_NODE_SET_PARAMS", "node_name": node, "drained": drained})
    assert chain.wait_for(job, "success") == "success"


def said_by(chain: Chain, *options: str) -> str:
    with hbal(chain, *options) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return str(said)


def tenants(chain: Chain, node: str) -> list[str]:
    """Return the instances that run on a node or are mirrored there."""
    cluster = luxi.load(chain.root.luxi_socket)
    names = [other.name for other in cluster.nodes]
    return [vm.name for vm in cluster.instances if names.index(node) in vm.nodes]


def migrations(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """Return source and target of each migration of a plan, in the order of its steps."""
    found = []
    for move in plan["plan"]:
        primary, secondary = move["from"]["primary"], move["from"]["secondary"]
        new = ({*move["to"].values()} - {primary, secondary} or {""}).pop()
        for step in move["steps"].split():
            if step == "f":
                found.append((primary, secondary))
                primary, secondary = secondary, primary
            else:
                secondary = new
    return found


def executed(chain: Chain, config: Any, since: int) -> list[tuple[str, str]]:
    """Return the same for the jobs after `since`, in their order, with the instances of a configuration."""
    nodes = {uuid: node["name"] for uuid, node in config["nodes"].items()}
    at = {}
    for vm in config["instances"].values():
        (disk,) = (config["disks"][uuid] for uuid in vm["disks"])
        at[vm["name"]] = [nodes[vm["primary_node"]], *(nodes[n] for n in disk["nodes"] if n != vm["primary_node"])]
    found = []
    with chain.luxid() as luxid:
        for _, ops, status in luxid.call("QueryJobs", None, ["id", "ops", "status"])[since:]:
            assert status == "success"
            for op in ops:
                pair = at[op["instance_name"]]
                if op["OP_ID"] == "OP_INSTANCE_MIGRATE":
                    found.append((pair[0], pair[1]))
                    pair.reverse()
                else:
                    pair[1] = op["remote_node"]
    for vm in chain.stage.config()["instances"].values():
        assert nodes[vm["primary_node"]] == at[vm["name"]][0], "jobs are not what moved it"
    return found


def jobs_of(chain: Chain) -> int:
    with chain.luxid() as luxid:
        return len(luxid.call("QueryJobs", None, ["id"]))


def test_every_node_is_emptied_upgraded_and_filled_again(chain: Chain) -> None:
    nodes = [node.name for node in chain.cluster.nodes if not node.master]
    running = {vm.name for vm in chain.cluster.instances}
    said_by(chain, "-X")
    tempted = 0
    for node in nodes:
        drain(chain, node, drained=True)
        assert tenants(chain, node), "there is nothing to evacuate, so this shows nothing"
        before, cluster = chain.stage.config(), luxi.load(chain.root.luxi_socket)
        free = json.loads(said_by(chain, "--json", "--evac-mode"))
        tempted += not {source for source, _ in migrations(free)} <= {node}
        plan = json.loads(said_by(chain, "--json", *RULES))
        assert plan["plan"]
        assert {source for source, _ in migrations(plan)} <= {node}
        path, since = os.path.join(chain.root.directory, f"plan-{node}"), jobs_of(chain)
        said_by(chain, "-X", f"-C{path}", *RULES)
        with open(path, encoding="utf-8") as file:
            assert broken_promises(before, chain.stage.config(), cluster, read_plan(file.read(), cluster)) == []
        assert tenants(chain, node) == []
        assert {source for source, _ in executed(chain, before, since)} == {node}
        assert chain.locks() == ([], [])
        # Here the node would get its new hypervisor.
        drain(chain, node, drained=False)
    assert tempted, "without the restriction nothing would have been different, so this shows nothing"
    cluster = luxi.load(chain.root.luxi_socket)
    assert {vm.name for vm in cluster.instances if vm.running} == running
    assert not any(other.offline for other in cluster.nodes)
