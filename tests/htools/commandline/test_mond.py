"""Loads from monitoring daemons: how they are shared out, and what is said where they are incomplete."""

import json
from pathlib import Path
from typing import Any

import pytest

from htools.backends import text
from htools.commandline import mond
from htools.commandline.tool import Options
from htools.errors import LoadError
from htools.model.cluster import Model
from spec.allocator.decisions import Settings

CLUSTER = """\
g|u|preferred||

node1|65536|1024|50000|2048000|2000000|16|M|u|1||N|0|1|1.0
node2|65536|1024|50000|2048000|2000000|16|N|u|1||N|0|1|1.0

i1|1024|1000|3|running|Y|node1|node2|drbd||1|-|N
i2|1024|1000|2|running|Y|node1|node2|drbd||1|-|N
i3|1024|1000|2|running|Y|node2|node1|drbd||1|-|N


"""


def report(node: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    base = {"version": "B", "format_version": 1, "timestamp": 1, "category": None, "kind": 0}
    return {"node": node, "reports": [{**base, "name": name, "data": data}]}


def total(node: str, load: float) -> dict[str, Any]:
    return report(node, "cpu-avg-load", {"cpu_number": 2, "cpus": [0.1, 0.2], "cpu_total": load})


def applied(tmp_path: Path, content: object, cluster: str = CLUSTER, **flags: Any) -> Model:
    path = tmp_path / "reports.json"
    path.write_text(json.dumps(content))
    model = Model.of(text.parse(cluster), Settings())
    mond.apply(model, Options(mond=True, mond_file=str(path), **flags))
    return model


def test_a_nodes_load_is_shared_by_virtual_cores(tmp_path: Path) -> None:
    model = applied(tmp_path, [total("node1", 3.5), total("node2", 1.5)])
    assert [node.load[0] for node in model.nodes.values()] == [3.5, 1.5]
    assert [vm.load[0] for vm in model.instances.values()] == [1.75, 3.5 / 6 * 2, 1.0]


def test_cores_that_nobody_uses_share_without_bound(tmp_path: Path) -> None:
    idle = CLUSTER.replace("|M|u|1||N|0|1|1.0", "|M|u|1||N|0|0|1.0").replace(
        "|running|Y|node1", "|ADMIN_offline|Y|node1"
    )
    model = applied(tmp_path, [total("node1", 3.5), total("node2", 1.5)], idle)
    assert [vm.load[0] for vm in model.instances.values()] == [float("inf"), float("inf"), 1.0]


def test_xen_reports_loads_by_instance(tmp_path: Path) -> None:
    loads = [
        report("node1", "xen-cpu-avg-load", {"i1": 0.5, "i2": 0.25}),
        report("node2", "xen-cpu-avg-load", {"i3": 2}),
    ]
    model = applied(tmp_path, loads, mond_xen=True)
    assert [node.load[0] for node in model.nodes.values()] == [0.75, 2.0]


def test_incomplete_reports_are_ignored_or_end_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = applied(tmp_path, [total("node1", 3.5)])
    assert model.nodes[0].load[0] == 2.0
    assert "Didn't receive an answer by all MonDs, cpu-avg-load's data will be ignored." in capsys.readouterr().err
    with pytest.raises(SystemExit):
        applied(tmp_path, [total("node1", 3.5)], exit_on_missing_mond=True)
    applied(tmp_path, [report("node1", "xen-cpu-avg-load", {}), report("node2", "xen-cpu-avg-load", {})], mond_xen=True)
    assert 'No CPU information available for ["i1","i2","i3"]' in capsys.readouterr().err


def test_without_a_file_there_is_no_daemon_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    mond.apply(Model.of(text.parse(CLUSTER), Settings()), Options(mond=True))
    assert "No monitoring daemon is configured" in capsys.readouterr().err


@pytest.mark.parametrize("content", [{}, [3], [{"node": 1}], [{"node": "a"}], [{"node": "a", "reports": [{}]}]])
def test_malformed_reports_are_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(LoadError, match="can't parse MonD data"):
        applied(tmp_path, content)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ["a"]), ("name", None), ("version", 1), ("format_version", "1"), ("timestamp", None), ("kind", 2),
        ("kind", True), ("kind", {}), ("category", "none"), ("category", []), ("more", 1),
    ],
)  # fmt: skip
def test_fields_of_reports_are_what_they_should_be(tmp_path: Path, key: str, value: object) -> None:
    reports = [total("node1", 3.5), total("node2", 1.5)]
    reports[1]["reports"][0][key] = value
    with pytest.raises(LoadError, match=f"field '{key}': expected .* of node node2"):
        applied(tmp_path, reports)


@pytest.mark.parametrize(
    "data", [{"cpu_number": True}, {"more": 1}, {"cpus": [True]}, {"cpu_total": "1"}, {"cpu_number": None}]
)
def test_loads_of_another_shape_are_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: dict[str, object]
) -> None:
    reports = [total("node1", 3.5), total("node2", 1.5)]
    reports[0]["reports"][0]["data"] |= data
    assert applied(tmp_path, reports).nodes[0].load[0] == 2.0
    assert "cpu-avg-load's data will be ignored" in capsys.readouterr().err


def test_loads_of_any_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = [total("node1", 10**400), total("node2", -(10**400))]
    reports[0]["reports"][0]["data"]["cpu_number"] = 2.5
    model = applied(tmp_path, reports)
    assert [node.load[0] for node in model.nodes.values()] == [float("inf"), float("-inf")]
    loads = [report(f"node{at}", "xen-cpu-avg-load", {"i1": 1, "i2": 1, "i3": 1, "other": "x"}) for at in (1, 2)]
    applied(tmp_path, loads, mond_xen=True)
    assert "xen-cpu-avg-load's data will be ignored" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("name", [None, 1, ["x"]]),
        ("version", [None, 1, {}]),
        ("format_version", [None, "1", True, []]),
        ("timestamp", [None, "1", True]),
        ("kind", [None, 2, -1, "0", True, 0.5, []]),
        ("category", ["other", 0, []]),
    ],
)
def test_fields_of_a_report_are_what_they_should_be(tmp_path: Path, field: str, bad: list[Any]) -> None:
    for value in bad:
        content = [total("node1", 1.0), total("node2", 1.0)]
        content[0]["reports"][0][field] = value
        with pytest.raises(LoadError, match=f"field '{field}': expected .* of node node1"):
            applied(tmp_path, content)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    """Neither are numbers without an end, which Python's own reader takes."""
    path = tmp_path / "reports.json"
    for content in ("", "[NaN]", "[]x"):
        path.write_text(content)
        with pytest.raises(LoadError, match=r"(?s)can't parse MonD data: .*expected JSON"):
            mond.read(str(path))


@pytest.mark.parametrize("value", [None, "", "0.5", True, [], [1], {}])
def test_one_load_that_is_no_number_spoils_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: Any
) -> None:
    loads = {"i1": 0.5, "i2": 0.25, "i3": 0.1}
    content = [report("node1", "xen-cpu-avg-load", loads | {"other": value}), report("node2", "xen-cpu-avg-load", {})]
    model = applied(tmp_path, content, mond_xen=True)
    assert [vm.load[0] for vm in model.instances.values()] == [1.0, 1.0, 1.0]
    assert "xen-cpu-avg-load's data will be ignored" in capsys.readouterr().err


def test_numbers_of_cores_may_be_fractions(tmp_path: Path) -> None:
    content = [total("node1", 3.5), total("node2", 1.5)]
    content[0]["reports"][0]["data"]["cpu_number"] = 2.0
    assert [node.load[0] for node in applied(tmp_path, content).nodes.values()] == [3.5, 1.5]
    content[0]["reports"][0]["data"]["cpu_number"] = True
    assert [node.load[0] for node in applied(tmp_path, content).nodes.values()] == [2.0, 1.0]
