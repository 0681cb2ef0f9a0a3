import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.opcodes import OPCODES, OpcodeError, secrets, summary, validate, without_secrets
from impl.opcodes.common import COMMON

DELAY: dict[str, Any] = {"OP_ID": "OP_TEST_DELAY", "reason": [], "duration": 0.001}
MIGRATE: dict[str, Any] = {"OP_ID": "OP_INSTANCE_MIGRATE", "reason": []}
SET: dict[str, Any] = {"OP_ID": "OP_CLUSTER_SET_PARAMS", "reason": []}

# Each refusal was observed on luxid of Ganeti 3.0.2.
REFUSALS: list[tuple[Any, str]] = [
    ({"OP_ID": "OP_NOSUCH"}, "key 'reason' not found, object contains only [\"OP_ID\"]"),
    ({"OP_ID": "OP_NOSUCH", "reason": []}, "Unknown opcode OP_NOSUCH"),
    ({"reason": []}, "key 'OP_ID' not found, object contains only [\"reason\"]"),
    ({"OP_ID": 1, "reason": []}, "key 'OP_ID': Unable to read String"),
    (1, "Unable to read JSObject"),
    (DELAY | {"duration": "x"}, "Can't parse value for 'duration': Unable to read Double"),
    (DELAY | {"priority": 7}, "Can't parse value for 'priority': Invalid string value for type OpSubmitPriority: 7"),
    (
        DELAY | {"priority": "a"},
        "Can't parse value for 'priority': Can't parse value for 'OpSubmitPriority': Unable to read Int",
    ),
    (DELAY | {"on_nodes": "x"}, "Can't parse value for 'on_nodes': Unable to read list"),
    (DELAY | {"on_nodes": [1]}, "Can't parse value for 'on_nodes': Unable to read String"),
    (DELAY | {"on_nodes": [""]}, "Can't parse value for 'on_nodes': Received empty value for non-empty list"),
    (DELAY | {"repeat": -1}, "Can't parse value for 'repeat': Invalid value for non-negative type '-1'"),
    (DELAY | {"repeat": "a"}, "Can't parse value for 'repeat': Unable to read Int"),
    (DELAY | {"interruptible": 1}, "Can't parse value for 'interruptible': Unable to read Bool"),
    (DELAY | {"depends": [[1]]}, "Can't parse value for 'depends': Unable to read Pair"),
    (
        DELAY | {"depends": [[1, ["running"]]]},
        "Can't parse value for 'depends': Invalid string value for type FinalizedJobStatus: \"running\"",
    ),
    (DELAY | {"reason": [["a"]]}, "Can't parse value for 'reason': Unable to read Triple"),
    (DELAY | {"reason": [["a", "b", "c"]]}, "Can't parse value for 'reason': Unable to read Integer"),
    (DELAY | {"comment": 1}, "Can't parse value for 'comment': Unable to read String"),
    (
        DELAY | {"b": 2, "a": 1},
        (
            'Superfluous dictionary keys: ["a","b"], but only ["OP_ID","comment","debug_level","depends","dry_run",'
            '"duration","interruptible","no_locks","on_master","on_node_uuids","on_nodes","priority","reason","repeat"]'
            " allowed."
        ),
    ),
]


@pytest.mark.parametrize(("op", "text"), REFUSALS)
def test_refusals_read_as_those_of_ganeti(op: Any, text: str) -> None:
    with pytest.raises(OpcodeError) as caught:
        validate(op)
    assert caught.value.reason == text


def test_defaults_are_filled_in_the_order_of_the_job_file() -> None:
    op = validate(DELAY | {"dry_run": False, "debug_level": 0, "on_master": None})
    assert list(op) == [
        "dry_run", "debug_level", "priority", "depends", "comment", "reason", "OP_ID", "duration", "on_master",
        "on_nodes", "repeat", "interruptible", "no_locks",
    ]  # fmt: skip
    assert op["on_master"] is True
    assert op["no_locks"] is True


@pytest.mark.shared
def test_the_samples_of_ganetis_queue_are_in_normal_form(shared: Path) -> None:
    samples = sorted((shared / "samples" / "daemons").glob("job-*"))
    assert samples
    for path in samples:
        for entry in json.loads(path.read_text())["ops"]:
            # Ganeti's job process writes what was left out as null
            written = {
                name: value for name, value in entry["input"].items() if name != "on_node_uuids" or value is not None
            }
            assert validate(entry["input"]) == written, path


@given(st.sampled_from(sorted(OPCODES)), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))
def test_validation_is_idempotent_and_leaves_its_argument(op_id: str, extra: dict[str, int]) -> None:
    op: dict[str, Any] = {"OP_ID": op_id, "reason": [], **extra}
    before = json.dumps(op)
    try:
        result = validate(op)
    except OpcodeError:
        pass
    else:
        assert validate(result) == result
    assert json.dumps(op) == before


def test_defaults_are_not_shared() -> None:
    validate(DELAY)["on_nodes"].append("x")
    assert validate(DELAY)["on_nodes"] == []


def test_secrets_are_kept_apart() -> None:
    op = validate({"OP_ID": "OP_TEST_OS_PARAMS", "reason": [], "osparams_secret": {"password": "hunter2"}})
    assert secrets(op) == {"osparams_secret": {"password": "hunter2"}}
    assert "hunter2" not in json.dumps(without_secrets(op))
    assert secrets(validate(DELAY)) is None


@pytest.mark.parametrize(
    ("op", "text"),
    [
        (DELAY, "TEST_DELAY(1.0e-3)"),
        (DELAY | {"duration": 0.01}, "TEST_DELAY(1.0e-2)"),
        (DELAY | {"duration": 8}, "TEST_DELAY(8.0)"),
        (DELAY | {"duration": 0.0123}, "TEST_DELAY(1.23e-2)"),
        (DELAY | {"duration": 1e7}, "TEST_DELAY(1.0e7)"),
        (MIGRATE | {"instance_name": "web1"}, "INSTANCE_MIGRATE(web1)"),
        (SET, "CLUSTER_SET_PARAMS"),
    ],
)
def test_summaries(op: dict[str, Any], text: str) -> None:
    assert summary(op) == text


@given(st.floats(min_value=1e-12, max_value=1e15, allow_nan=False))
def test_a_number_in_a_summary_reads_back(value: float) -> None:
    assert float(summary(DELAY | {"duration": value})[11:-1]) == value


GANETI_TABLE = """
import json, sys
sys.path.insert(0, "/usr/share/ganeti/3.0")
from ganeti import opcodes
print(json.dumps({op_id: sorted(p[0] for p in c.GetAllParams()) for op_id, c in opcodes.OP_MAPPING.items()}))
"""


@pytest.mark.ganeti
def test_the_table_names_what_ganetis_library_names() -> None:
    if not Path("/usr/share/ganeti/3.0").is_dir():
        pytest.skip("Ganeti's Python library is not installed")
    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", "-c", GANETI_TABLE], capture_output=True, check=True)
    ganeti = json.loads(done.stdout)
    common = [parameter.name for parameter in COMMON]
    ours = {
        op_id: sorted([*common, *(parameter.name for parameter in opcode.parameters)])
        for op_id, opcode in OPCODES.items()
    }
    assert ours == ganeti
