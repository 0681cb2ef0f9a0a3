import json
import os
from pathlib import Path
from typing import Any

import pytest

from impl.cluster.view import ClusterView
from impl.hypervisor.facts import ConfiguredObserver
from impl.job.allocation import allocation_request, cluster_data
from impl.job.allocator import AllocatorError, find_allocator, read_answer, run_allocator
from impl.process.environment import ALLOCATORS, module_command
from tests.conftest import ganeti_program
from tests.impl.clusters import GIB, make_config, uuid


def program(directory: Path, text: str) -> None:
    path = directory / "choose"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ALLOCATORS, str(tmp_path))
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


NO_NAMES = ["../../bin/true", "/bin/true", "", ".", "..", "-c", "--help", "a b", "a\nb", "a\0b", "$(id)", "ä", "x" * 65]


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_looked_up_nowhere(folder: Path, name: str) -> None:
    with pytest.raises(AllocatorError, match="no allocator's name"):
        find_allocator(name, [str(folder)])


@pytest.mark.parametrize("name", ["sh", "python3", "python", "id", "true"])
def test_programs_of_the_search_path_and_beside_the_interpreter_are_no_allocators(name: str) -> None:
    """A client names the allocator, which runs as root, and its options: `sh` and a tag `$(id)` would be a command."""
    with pytest.raises(AllocatorError, match="not found in /usr/local/lib/ganeti/iallocators"):
        run_allocator(name, {"tags": ["$(id)"]}, ["-c"])


def test_ours_is_known_by_a_table_and_a_configured_one_comes_first(folder: Path) -> None:
    assert find_allocator("hail", [], []) == module_command("htools.hail")
    (folder / "hail").write_text("#!/bin/sh\n", encoding="ascii")
    assert find_allocator("hail", [str(folder)], []) == module_command("htools.hail"), "it cannot be executed"
    (folder / "hail").chmod(0o755)
    assert find_allocator("hail", [str(folder)], []) == [str(folder / "hail")]


def test_an_allocator_that_others_may_write_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(folder, "exit 0")
    monkeypatch.chdir(folder)
    with pytest.raises(AllocatorError, match="name the directory with its whole path"):
        find_allocator("choose", ["."])
    for place in (folder, folder / "choose"):
        place.chmod(0o757)
        with pytest.raises(AllocatorError, match=f"{place} is not used: others may write it"):
            find_allocator("choose", [str(folder)])
        place.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder / "choose", 65534, -1)
        with pytest.raises(AllocatorError, match="others may write it"):
            find_allocator("choose", [str(folder)])


def test_an_allocator_runs_in_a_small_environment_and_a_safe_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("SECRET", "x")
    program(folder, f'env >{folder}/seen; pwd >{folder}/where; echo \'{{"success": true, "info": "", "result": 1}}\'')
    assert run_allocator("choose", {}) == 1
    names = {line.partition("=")[0] for line in (folder / "seen").read_text(encoding="utf-8").splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "LANG", "HOME", ALLOCATORS}
    assert (folder / "where").read_text(encoding="utf-8") == "/\n"


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
    monkeypatch.setenv(ALLOCATORS, os.path.dirname(hail))
    assert set(run_allocator("hail", question())) <= {f"node{n}.example.com" for n in (1, 2, 3)}
    allowed = ["node1.example.com", "node3.example.com"]
    assert sorted(run_allocator("hail", question(allowed))) == allowed
