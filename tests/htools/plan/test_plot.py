"""hbal --plot: pictures are well formed, name every node, and distinguish long names."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from htools import hbal
from htools.backends import text
from htools.plan.plot import NodeFigures, label, svg
from tests.conformance.programs import run_ours
from tests.htools.generated import written


@pytest.mark.parametrize("name", ["plan.svg", "plan.html"])
def test_the_picture_is_well_formed_and_names_every_node(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, 3)
    assert run_ours(hbal.main, ["-t", path, "-G", "group0", "--plot", str(tmp_path / name)], tmp_path).code == 0
    content = (tmp_path / name).read_text()
    picture = content[content.index("<svg") : content.index("</svg>") + len("</svg>")]
    tree = ET.fromstring(picture)  # noqa: S314 - written by us
    labels = {element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {node.name for node in text.load(path).nodes if node.group == 0} <= labels


@pytest.mark.parametrize("name", ["x.png", "svg", "plan"])
def test_names_that_promise_no_picture_of_ours_are_refused(tmp_path: Path, name: str) -> None:
    outcome = run_ours(hbal.main, ["-t", written(tmp_path, 3), "--plot", name], tmp_path)
    assert (outcome.code, outcome.output) == (1, "")
    assert outcome.errors.endswith(f"Invalid file '{name}' of the plot, expected a name that ends in .svg or .html\n")


@pytest.mark.parametrize(
    ("name", "why"),
    [("no/where.svg", "openFile: does not exist"), ("folder.svg", "openFile: inappropriate type")],
)
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "folder.svg").mkdir()
    outcome = run_ours(hbal.main, ["-t", "nowhere", "--plot", str(tmp_path / name)], tmp_path / "folder.svg")
    assert (outcome.code, outcome.output) == (1, "")
    assert outcome.errors.startswith(f"hbal: {tmp_path}/{name}: {why}")


def odd_names() -> list[str]:
    same = "x" * 300
    return ["a&b<c>\"d'e", "😀" + "界" * 40, f"{same}1", f"{same}2", "n\x01\x1b[31m\ufffe", "rack1-n1.long.example.com"]


def test_pictures_of_odd_names_are_well_formed_and_their_labels_differ(tmp_path: Path) -> None:
    names = odd_names()
    nodes = "".join(f"{name}|4096|0|4096|100|100|1|{'MN'[at > 0]}|u\n" for at, name in enumerate(names))
    instances = "".join(f"i{at}<|1|1|1|running|Y|{names[0]}|{names[1]}|drbd|\n" for at in range(3))
    (tmp_path / "cluster").write_text(f"<g>|u|preferred||\n\n{nodes}\n{instances}\n\n")
    run_ours(hbal.main, ["-t", "cluster", "--plot", "plan.svg"], tmp_path)
    tree = ET.fromstring((tmp_path / "plan.svg").read_text())  # noqa: S314 - written by us
    labels = [str(item.text) for item in tree.iter("{http://www.w3.org/2000/svg}text") if item.get("text-anchor")]
    beside = [one for one in labels if one[0] not in "0123456789"]
    assert len(set(beside)) == len(names)
    assert names[0] in beside
    assert max(map(len, beside)) <= 24


def test_labels_keep_what_distinguishes_nodes() -> None:
    assert label("n1.example.com", "n1") == "n1.example.com"
    assert label("node1-rack3.cluster.dept.example.com", "node1-rack3") == "node1-rack3"
    assert label("a" * 30 + "1", "a" * 30 + "1") == "aaaaaaaaaaa…aaaaaaaaaa1".rjust(23, "a")


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_scores_that_are_no_numbers_are_left_out(value: float) -> None:
    figure = NodeFigures("n", "n", value, 0.5, value)
    assert "nan" not in svg("title", [figure], [figure], [value, 2.0, 1.0]).replace("NaN", "")
