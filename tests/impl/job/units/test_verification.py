"""OP_CLUSTER_VERIFY and its jobs."""

from typing import Any

import pytest

from tests.impl.clusters import GIB, uuid
from tests.impl.job.conftest import Bench

GROUP: dict[str, Any] = {"OP_ID": "OP_GROUP_ADD", "group_name": "second"}


def verify_group(bench: Bench, **more: Any) -> tuple[bool, list[str]]:
    op = {"OP_ID": "OP_CLUSTER_VERIFY_GROUP", "group_name": "default", "error_codes": True, **more}
    good = bench.succeeds(op)
    return good, [str(entry.message).strip() for entry in bench.read().ops[0].log[1:]]


def test_a_sound_cluster(bench: Bench) -> None:
    assert bench.succeeds({"OP_ID": "OP_CLUSTER_VERIFY_CONFIG"}) is True
    assert verify_group(bench) == (True, [])


def test_redundancy(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 2)]["gantry"]["memory_total"] = 4 * GIB
    good, found = verify_group(bench)
    assert not good
    assert found == [
        (
            "- ERROR:ENODEN1:node:node2.example.com:not enough memory to accommodate instance failovers should node"
            " node1.example.com fail (2048 MiB needed, 1024 MiB available)"
        )
    ]
    assert verify_group(bench, skip_checks=["nplusone_mem"]) == (True, [])
    assert verify_group(bench, ignore_errors=["ENODEN1"])[0] is True


def test_overfull_and_offline_nodes_and_broken_policies(bench: Bench) -> None:
    bench.config["nodes"][uuid(1, 2)]["gantry"] |= {"memory_total": 2 * GIB, "disk_total": GIB}
    bench.config["nodes"][uuid(1, 1)]["offline"] = True
    bench.instance("db")["beparams"]["vcpus"] = 99
    good, found = verify_group(bench)
    assert not good
    codes = {line.split(":")[1] for line in found}
    assert codes == {"ENODEHV", "ENODELVM", "ENODEN1", "EINSTANCEBADNODE", "EINSTANCEPOLICY"}


BROKEN = [
    ("nodes", uuid(1, 3), "group", "x", "ECLUSTERDANGLINGNODES"),
    ("instances", uuid(3, 1), "primary_node", "x", "ECLUSTERDANGLINGINST"),
    ("instances", uuid(3, 1), "disks", ["x"], "EINSTANCEMISSINGDISK"),
    ("instances", uuid(3, 1), "disks", [uuid(4, 2)], "EINSTANCELAYOUT"),
    ("instances", uuid(3, 1), "name", "db", "ECLUSTERCFG"),
    ("disks", uuid(4, 1), "logical_id", [uuid(1, 2), uuid(1, 3), 1, 2, 2, "s"], "ENODEDRBD"),
]


@pytest.mark.parametrize(("container", "key", "name", "value", "code"), BROKEN)
def test_a_broken_configuration(bench: Bench, container: str, key: str, name: str, value: Any, code: str) -> None:
    bench.config[container][key][name] = value
    assert bench.succeeds({"OP_ID": "OP_CLUSTER_VERIFY_CONFIG", "error_codes": True}) is False
    assert any(f"ERROR:{code}:" in str(entry.message) for entry in bench.read().ops[0].log)


def test_verifying_all_submits_jobs_in_order(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Any] = []

    def submit(_: str, __: Any, new: Any) -> Any:
        jobs.extend(new)
        return [[True, number] for number in range(len(new))]

    monkeypatch.setattr("impl.job.process.submit_jobs", submit)
    bench.succeeds(GROUP)
    bench.succeeds({"OP_ID": "OP_CLUSTER_VERIFY"})
    assert [(job[0]["OP_ID"], job[0].get("group_name"), job[0].get("depends")) for job in jobs] == [
        ("OP_CLUSTER_VERIFY_CONFIG", None, None),
        ("OP_CLUSTER_VERIFY_GROUP", "default", [[-1, []]]),
        ("OP_CLUSTER_VERIFY_GROUP", "second", [[-2, []]]),
    ]
