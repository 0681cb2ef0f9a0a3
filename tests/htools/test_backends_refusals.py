"""Iallocator requests, simulated clusters and saved answers of the remote API: what is refused, and how it is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from htools import hail, hspace
from htools.backends import iallocator, rapi, simulation
from htools.errors import LoadError
from spec.allocator.cluster import AllocPolicy
from tests.conformance.programs import run_ours
from tests.conformance.random_requests import random_request


def changed(seed: int, *path: str, value: Any) -> bytes:
    request = random_request(seed)
    inner: Any = request
    for key in path[:-1]:
        inner = inner[next(iter(inner)) if key == "*" else key]
    if value is None:
        inner.pop(path[-1])
    else:
        inner[path[-1]] = value
    return json.dumps(request).encode()


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("request",), None, "field 'request'.*expected a JSON object, found nothing"),
        (("request", "type"), "grow", "expected one of allocate, multi-allocate"),
        (("nodes", "*", "total_memory"), "x", r"node 'node0.*': expected a number, found \"x\""),
        (("nodes", "*", "group"), "nowhere", "expected the name of a known group"),
        (("nodegroups", "*", "alloc_policy"), "never", "expected one of preferred, last_resort, unallocable"),
        (("instances", "*", "nodes"), [], "at least one node"),
        (("instances", "*", "disk_template"), "tape", "expected one of diskless"),
        (("instances", "*", "memory"), 2**64, "an integer of 64 bits"),
        (("cluster_tags",), [1], "a list of strings"),
    ],
)
def test_bad_requests_name_the_key(path: tuple[str, ...], value: Any, text: str) -> None:
    with pytest.raises(LoadError, match=text):
        iallocator.parse(changed(0, *path, value=value))


def test_of_two_faults_of_a_node_the_tags_are_named_as_by_ganeti() -> None:
    request = json.loads(changed(0, "nodes", "*", "tags", value=1))
    next(iter(request["nodes"].values()))["ndparams"]["exclusive_storage"] = "x"
    with pytest.raises(LoadError, match="field 'tags'"):
        iallocator.parse(json.dumps(request).encode())


def test_negative_sizes_and_double_names_are_refused() -> None:
    seed = next(s for s in range(99) if random_request(s)["request"]["type"] == "allocate")
    with pytest.raises(LoadError, match=r"'memory'.*not negative"):
        iallocator.parse(changed(seed, "request", "memory", value=-1))
    text = json.dumps(random_request(seed))
    name, node = next(iter(random_request(seed)["nodes"].items()))
    doubled = text.replace('"nodes": {', f'"nodes": {{{json.dumps(name)}: {json.dumps(node)}, ', 1)
    with pytest.raises(LoadError, match=f"found '{name}' twice"):
        iallocator.parse(doubled.encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"request": 1}', b"[" * 5000])
def test_what_is_no_request(data: bytes) -> None:
    with pytest.raises(LoadError):
        iallocator.parse(data)


def test_a_bad_request_ends_hail_with_ganetis_line_and_the_place(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(b"{}")
    outcome = run_ours(hail.main, ["r.json"], tmp_path)
    assert (outcome.code, outcome.output, outcome.errors.count("\n")) == (1, "", 2)
    expected = (
        "Error: invalid iallocator message: key 'request' not found, object contains only []\nr.json, field 'request'"
    )
    assert outcome.errors.startswith(expected)


def test_explanations_name_limits(tmp_path: Path) -> None:
    seed = next(s for s in range(99) if random_request(s)["request"]["type"] == "allocate")
    request = random_request(seed)
    request["request"] |= {"memory": 10**6, "disk_template": "plain", "required_nodes": 1}
    for group in request["nodegroups"].values():
        group["ipolicy"]["minmax"] = []
        group["ipolicy"]["disk-templates"] = ["plain"]
    (tmp_path / "r.json").write_text(json.dumps(request))
    outcome = run_ours(hail.main, ["--explain", "r.json"], tmp_path)
    assert "6 nodes as primary: FailMem, memory: nearest node1, 967745 MiB short" in outcome.errors
    assert max(map(len, outcome.errors.splitlines())) <= 80
    assert "MiB short" in outcome.errors
    answer = json.loads(run_ours(hail.main, ["--explain", "--json", "r.json"], tmp_path).output)
    assert answer["gantry"]["explanation"][0]["instance"] == request["request"]["name"]
    assert set(answer) == {"success", "info", "result", "gantry"}


def test_simulated_groups() -> None:
    cluster = simulation.load(["a,2,10g,1G,4", "preferred,1,1t,512,2,3,True"])
    assert [group.alloc_policy for group in cluster.groups] == [AllocPolicy.LAST_RESORT, AllocPolicy.PREFERRED]
    assert [node.name for node in cluster.nodes] == ["node-01-001", "node-01-002", "node-02-001"]
    assert (cluster.nodes[0].free_disk, cluster.nodes[0].free_memory, cluster.nodes[2].spindles) == (10240, 953, 3)
    for text in ("p,1,1,1", "x,1,1,1,1", "p,-1,1,1,1", "p,1,1q,1,1", "p,1,1,1,1,1,yes"):
        with pytest.raises(LoadError, match="--simulate"):
            simulation.load([text])


def test_the_ways_of_judging_are_compared(tmp_path: Path) -> None:
    outcome = run_ours(hspace.main, ["--simulate=p,2,1t,8g,4", "--disk-template=drbd", "-l2", "--explain"], tmp_path)
    assert outcome.code == 0
    assert "The three agree" in outcome.output


def test_sizes_that_cannot_be_counted(tmp_path: Path) -> None:
    policy = "1024,1,1024,1,1,1|0,0,0,0,0,0;32768,8,1048576,16,8,12|ext|4.0|32.0"
    nodes = [f"n{at}|4096|256|3840|4096|4096|8|N|u|1||N|1|1|1.0" for at in range(2)]
    (tmp_path / "cluster.data").write_text(
        "\n".join(["g|u|preferred||", "", *nodes, "", "", "", f"|{policy}", f"g|{policy}", ""])
    )
    words = ["-t", "cluster.data", "--tiered-alloc=1024,1024,1"]
    outcome = run_ours(hspace.main, [*words, "--standard-alloc=512,0,1"], tmp_path)
    assert outcome.code == 1
    assert "instances of 0 MiB of memory can be counted only with --no-capacity-checks" in outcome.errors
    outcome = run_ours(hspace.main, [*words, "--standard-alloc=512,0,0", "--no-capacity-checks"], tmp_path)
    assert outcome.code == 1
    assert "limit them with --max-length" in outcome.errors
    limited = run_ours(hspace.main, [*words, "--standard-alloc=512,0,0", "--no-capacity-checks", "-l7"], tmp_path)
    assert "  -   7 instances allocated" in limited.output


def test_saved_answers_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"groups\.json: openFile: does not exist"):
        rapi.load(f"file://{tmp_path}")
    for name in ("groups", "nodes", "instances", "info"):
        (tmp_path / f"{name}.json").write_text("[]")
    with pytest.raises(LoadError, match="info: expected a JSON object for the cluster"):
        rapi.load(f"file://{tmp_path}")
