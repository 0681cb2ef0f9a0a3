import json
import os
from pathlib import Path
from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.job.allocation import allocation_request, cluster_data
from impl.job.allocator import ENVIRONMENT, AllocatorError, find_allocator, read_answer, run_allocator
from tests.conftest import ganeti_program
from tests.impl.clusters import GIB, make_config, uuid


def program(directory: Path, text: str) -> None:
    path = directory / "choose"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    return tmp_path


def test_an_answer_is_read_and_the_question_arrives(folder: Path) -> None:
    program(
        folder,
        f'cp "$2" {folder}/question; echo "{{\\"success\\": true, \\"info\\": \\"\\", \\"result\\": [\\"$1\\"]}}"',
    )
    assert run_allocator("choose", {"a": 1}, ["--option"]) == ["--option"]
    assert json.loads((folder / "question").read_text(encoding="utf-8")) == {"a": 1}


BAD = [
    ("exit 3", "ended with code 3: no error text"),
    ("echo oops >&2; exit 1", "ended with code 1: oops"),
    ("echo nonsense", "answered no JSON"),
    ("echo []", "its answer lacks"),
    ('echo \'{"success": false, "info": "no room", "result": []}\'', "no room"),
]


@pytest.mark.parametrize(("text", "reason"), BAD)
def test_no_solution_says_why(folder: Path, text: str, reason: str) -> None:
    program(folder, text)
    with pytest.raises(AllocatorError) as caught:
        run_allocator("choose", {})
    assert caught.value.reason.startswith(reason)


def test_a_name_does_not_lead_out_of_the_directories(folder: Path) -> None:
    for name in ("../../bin/true", "/bin/true", "nosuch"):
        with pytest.raises(AllocatorError, match="not found"):
            find_allocator(name, [str(folder)])


def test_read_answer() -> None:
    assert read_answer("x", b'{"success": true, "info": "", "result": []}') == []


def question(restrict_to: list[str] | None = None) -> dict[str, Any]:
    config = make_config(instances={"web1": (1, 2), "down": (1, None)})
    config["instances"][uuid(3, 2)]["admin_state"] = "down"
    config["nodes"][uuid(1, 4)]["offline"] = True
    op = {
        "instance_name": "new", "disk_template": "drbd", "tags": [], "os_type": "noop", "nics": [{}],
        "disks": [{"size": 10 * GIB}], "hypervisor": "fake",
    }  # fmt: skip
    parameters = {"maxmem": GIB, "vcpus": 1, "spindle_use": 1}
    request = allocation_request(op, parameters, restrict_to)
    return cluster_data(ClusterView(config), ConfiguredObserver(), request)


def test_the_question_describes_the_cluster_as_it_is() -> None:
    asked = question()
    node = asked["nodes"]["node1.example.com"]
    assert (node["free_memory"], node["i_pri_memory"], node["i_pri_up_memory"]) == (61 * GIB, 4 * GIB, 2 * GIB)
    assert "free_memory" not in asked["nodes"]["node4.example.com"]
    assert asked["instances"]["web1"]["nodes"] == ["node1.example.com", "node2.example.com"]
    assert asked["request"]["disk_space_total"] == 10 * GIB + 128
    assert asked["request"]["required_nodes"] == 2


@pytest.mark.ganeti
def test_ganetis_allocator_understands_our_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its choice honours the question: nodes that are offline or not among the allowed ones are not chosen."""
    hail = next(Path("/usr/lib/ganeti").glob("*/usr/lib/ganeti/iallocators/hail"), None)
    if hail is None or ganeti_program("hbal") is None:
        pytest.skip("Ganeti's hail is not installed")
    monkeypatch.setenv(ENVIRONMENT, os.path.dirname(hail))
    assert set(run_allocator("hail", question())) <= {f"node{n}.example.com" for n in (1, 2, 3)}
    allowed = ["node1.example.com", "node3.example.com"]
    assert sorted(run_allocator("hail", question(allowed))) == allowed
