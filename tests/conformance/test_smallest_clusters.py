"""The smallest clusters that show what docs/conformance.md says of hail, hspace and hroller, against Ganeti's too."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from htools import hail, hroller, hspace
from tests.conformance.programs import Outcome, run_ganeti, run_ours
from tests.conftest import GANETI_BIN, ganeti_program

HAIL = Path(GANETI_BIN).parent / "lib" / "ganeti" / "iallocators" / "hail"


def node(name: str, group: str = "u0", **other: Any) -> tuple[str, dict[str, Any]]:
    memory = other.pop("memory", 4096)
    disk = other.pop("disk", 20480)
    exclusive = other.pop("exclusive", False)
    return name, {
        "total_memory": memory,
        "reserved_memory": 256,
        "free_memory": memory - 256,
        "total_disk": disk,
        "free_disk": disk,
        "total_cpus": 8,
        "reserved_cpus": 1,
        "total_spindles": 4,
        "free_spindles": 4,
        "group": group,
        "offline": False,
        "drained": False,
        "vm_capable": True,
        "tags": [],
        "ndparams": {"spindle_count": 1, "exclusive_storage": exclusive},
        **other,
    }


def instance(template: str, memory: int, disk: int = 1024) -> dict[str, Any]:
    return {
        "disks": [{"mode": "rw", "size": disk, "spindles": 1}],
        "disk_space_total": disk + (128 if template == "drbd" else 0),
        "memory": memory,
        "vcpus": 1,
        "tags": [],
        "disk_template": template,
        "spindle_use": 1,
        "nics": [],
        "admin_state": "up",
        "required_nodes": 2 if template == "drbd" else 1,
    }


def request(
    nodes: Sequence[tuple[str, dict[str, Any]]], instances: dict[str, Any], asked: dict[str, Any], **policy: Any
) -> dict[str, Any]:
    sizes = {"cpu-count": 16, "disk-count": 16, "nic-count": 8, "spindle-use": 12}
    least = dict.fromkeys(["memory-size", "disk-size", *sizes], 0)
    rules = {
        "std": {**least, "memory-size": 512, "disk-size": 1024, "cpu-count": 1},
        "minmax": [{"min": least, "max": {**sizes, "memory-size": 32768, "disk-size": 1048576}}],
        "vcpu-ratio": 4.0,
        "spindle-ratio": 32.0,
        "disk-templates": ["drbd", "plain", "ext"],
        **policy,
    }
    groups = sorted({described["group"] for _, described in nodes})
    held = {name: dict(described) for name, described in nodes}
    for one in instances.values():
        held[one["nodes"][0]]["free_memory"] -= one["memory"]
    return {
        "cluster_tags": [],
        "cluster_name": "small",
        "version": 2,
        "enabled_hypervisors": ["xen-pvm"],
        "nodegroups": {
            group: {"name": f"g{group}", "alloc_policy": "preferred", "networks": [], "tags": [], "ipolicy": rules}
            for group in groups
        },
        "nodes": held,
        "instances": instances,
        "request": asked,
    }


def asked(tmp_path: Path, content: dict[str, Any], *words: str, same: bool = True) -> Outcome:
    """Run our hail on a request; Ganeti's must do the same, where it is installed."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(content))
    ours = run_ours(hail.main, [*words, str(path)], tmp_path)
    if HAIL.exists():
        ganeti = run_ganeti(str(HAIL), [*words, str(path)], tmp_path)
        assert ganeti.code == ours.code
        assert ((ganeti.output, ganeti.errors) == (ours.output, ours.errors)) is same
    return ours


def placed(outcome: Outcome) -> bool:
    return bool(json.loads(outcome.output)["success"])


def allocate(template: str, memory: int, disk: int = 1024) -> dict[str, Any]:
    return {"type": "allocate", "name": "new", **instance(template, memory, disk)}


def test_hspace_places_mirrored_instances_that_hail_refuses(tmp_path: Path) -> None:
    nodes = [node("n0", memory=3072), node("n1", memory=2048)]
    held = {"lonely": {**instance("plain", 1024), "nodes": ["n0"]}}
    refused = asked(tmp_path, request(nodes, held, allocate("drbd", 1024)), "-Sstate")
    assert "FailN1: 2" in refused.output
    words = ["-t", "state.pre-ialloc", "--disk-template=drbd", "--standard-alloc=1024,1024,1", "--tiered=1024,1024,1"]
    ours = run_ours(hspace.main, words, tmp_path)
    assert "  -   1 instances allocated" in ours.output
    program = ganeti_program("hspace")
    if program is not None:
        ganeti = run_ganeti(program, words, tmp_path)
        assert (ganeti.code, ganeti.output) == (ours.code, ours.output)


def test_refuge_may_be_offline(tmp_path: Path) -> None:
    online, offline = node("n0"), node("n1", drained=True)
    assert placed(asked(tmp_path, request([online, offline], {}, allocate("ext", 512))))
    assert "FailN1: 1" in asked(tmp_path, request([online], {}, allocate("ext", 512))).output


def test_block_devices_are_not_taken_over(tmp_path: Path) -> None:
    nodes = [node("n0"), node("n1")]
    for template, fits in (("rbd", True), ("blockdev", False)):  # the policy allows neither to be created again
        held = {"old": {**instance(template, 512), "nodes": ["n0"]}}
        assert placed(asked(tmp_path, request(nodes, held, allocate("ext", 512)))) is fits


def test_soft_limits_of_secondaries_always_bind(tmp_path: Path) -> None:
    nodes = [node("n0"), node("n1")]
    for template, fits in (("plain", True), ("drbd", False)):
        content = request(nodes, {}, allocate(template, 512), **{"spindle-ratio": 0.5})
        assert placed(asked(tmp_path, content, "--ignore-soft-errors")) is fits


def test_after_an_allocation_into_a_named_group_only_its_nodes_are_shown(tmp_path: Path) -> None:
    nodes = [node("n0"), node("n1", "u1")]
    result = asked(
        tmp_path,
        request(nodes, {}, {**allocate("plain", 512), "group_name": "gu1"}),
        "--no-capacity-checks",
        "-pname,pcnt",
    )
    before, after = result.errors.split("Final cluster status:")
    assert "n0" in before
    assert "n0" not in after
    assert "n1" in after


def test_dedicated_allocation_of_several_stays_in_the_first_ones_group(tmp_path: Path) -> None:
    nodes = [node("n0", memory=2048, exclusive=True), node("n1", "u1", disk=4096, exclusive=True)]
    small, large = {"name": "a", **instance("plain", 3000)}, {"name": "b", **instance("plain", 512, 10240)}
    least = dict.fromkeys(["memory-size", "disk-size", "disk-count", "nic-count", "spindle-use"], 0) | {"cpu-count": 1}
    most = {"memory-size": 32768, "disk-size": 1048576, "disk-count": 16, "nic-count": 8, "cpu-count": 16}
    bounds = [{"min": least, "max": {**most, "spindle-use": 12}}]
    for news, fits in (([small], True), ([large], True), ([small, large], False)):
        content = request(nodes, {}, {"type": "multi-allocate", "instances": news}, minmax=bounds)
        result = json.loads(asked(tmp_path, content).output)
        assert result["success"] is fits
        assert fits or result["info"].startswith("Request failed: Group gu1 ")


def test_smallest_instances_that_take_nothing_on_a_dedicated_cluster(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text(
        json.dumps(request([node("n0", exclusive=True)], {}, allocate("plain", 512)))
    )
    result = run_ours(hail.main, ["request.json"], tmp_path)  # Ganeti counts them for ever
    assert "score: ([0],19456), successes 1" in result.output


def test_no_group_left_to_change_to(tmp_path: Path) -> None:
    held = {"old": {**instance("plain", 512), "nodes": ["n0"]}}
    content = request([node("n0")], held, {"type": "change-group", "instances": ["old"], "target_groups": []})
    result = asked(tmp_path, content, same=False)
    assert "no groups for evacuation: allowed groups was Just [], all groups: [gu0]" in result.output


def test_a_limit_of_none(tmp_path: Path) -> None:
    words = ["--simulate=p,1,20g,8g,4", "--disk-template=plain", "-l0", "--no-capacity-checks", "--tiered=1024,512,1"]
    ours = run_ours(hspace.main, words, tmp_path)
    assert ours.code == 0
    assert "most likely failure reason" not in ours.output.split("Standard")[0]
    program = ganeti_program("hspace")
    if program is not None:
        assert "Prelude.head: empty list" in run_ganeti(program, words, tmp_path).errors


def test_the_request_is_printed_as_ganeti_prints_it(tmp_path: Path) -> None:
    result = asked(tmp_path, request([node("n0")], {}, allocate("plain", 512)), "-v")
    assert result.errors.startswith('Received request: Allocate (Instance {name = "new", ')


def rebooted(tmp_path: Path, content: dict[str, Any], *words: str) -> tuple[Outcome, Outcome | None]:
    """Run our hroller on the nodes of a request, and Ganeti's where it is installed."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(content))
    words = ("--force", "--no-headers", *words, "-I", str(path))
    program = ganeti_program("hroller")
    ganeti = None if program is None else run_ganeti(program, words, tmp_path)
    return run_ours(hroller.main, words, tmp_path), ganeti


@pytest.mark.parametrize(
    "words", [["-Ggu0"], ["--node-tags=t"], ["--skip-non-redundant"], ["-On1"]], ids=lambda words: words[0]
)
def test_nodes_that_are_left_out_need_not_be_emptied(tmp_path: Path, words: list[str]) -> None:
    first, left_out, last = node("n0", tags=["t"]), node("n1", "u1"), node("n2", tags=["t"])
    held = {"lonely": {**instance("plain", 512), "nodes": ["n1"]}}
    for nodes, fails in (([first, left_out, last], True), ([first, last, left_out], False)):
        ours, ganeti = rebooted(tmp_path, request(nodes, held, allocate("plain", 512)), *words)
        assert (ours.code, ours.output) == (0, "n0,n2\n")
        if ganeti is not None and fails:
            assert ganeti.code == 1
            assert "Not enough capacity to move non-redundant instances" in ganeti.errors
        elif ganeti is not None:
            assert ganeti == ours


def test_nodes_that_are_left_out_take_no_room(tmp_path: Path) -> None:
    nodes = [node("n0", tags=["t"]), node("n1"), node("n2", tags=["t"])]
    held = {"lonely": {**instance("plain", 512), "nodes": ["n2"]}}
    content = request(nodes, held, allocate("plain", 512))
    ours, ganeti = rebooted(tmp_path, content, "--node-tags=t", "--print-moves")
    assert ours.output == "n0,n2\n  lonely n1\n"
    assert ganeti is None or ganeti.output == "n0\nn2\n  lonely n0\n"


def test_moves_off_nodes_that_are_left_out_are_not_printed(tmp_path: Path) -> None:
    nodes = [node("n0"), node("n1", "u1"), node("n2", "u1"), node("n3")]
    held = {name: {**instance("plain", 512), "nodes": [at]} for name, at in (("a", "n1"), ("b", "n2"))}
    content = request(nodes, held, allocate("plain", 512))
    ours, ganeti = rebooted(tmp_path, content, "-Ggu0", "--print-moves")
    assert ours.output == "n0,n3\n"
    assert ganeti is None or ganeti.output == "n0,n3\n  a n2\n\n  b n1\n"
