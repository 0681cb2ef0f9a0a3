"""Odd names and files: what hbal prints and writes about them."""

from pathlib import Path

import pytest

from htools import hbal
from tests.conformance.programs import Outcome, difference, run_ganeti, run_ours
from tests.conftest import ganeti_program

CLUSTER = """\
g|u|preferred||

{0}0|9024|100|6000|20480|10000|4|M|u|1
{0}1|9024|100|8000|20480|10000|4|N|u|1
{0}2|9024|100|8000|20480|9000|4|N|u|1

{1}0|1024|1000|1|running|Y|{0}0|{0}1|drbd|
{1}1|1024|1000|1|running|Y|{0}0|{0}1|drbd|
{1}2|1024|1000|1|ADMIN_down|Y|{0}0|{0}1|drbd|

"""


def run(folder: Path, text: str, *words: str) -> tuple[Outcome, list[str]]:
    """What ours does, and the whole command line."""
    (folder / "cluster").write_text(text)
    (folder / "ours").mkdir()
    line = ["-t", str(folder / "cluster"), *words]
    return run_ours(hbal.main, line, folder / "ours"), line


@pytest.mark.ganeti
@pytest.mark.parametrize(
    "names", ["n ,i ", "n" * 300 + "," + "i" * 300, "nöde,日本\u0301", "n\"\\,i$`;'", "*,?", "😀,."]
)
def test_scripts_and_tables_are_those_of_ganeti(tmp_path: Path, names: str) -> None:
    program = ganeti_program("hbal")
    if program is None:
        pytest.skip("Ganeti's hbal is not installed")
    words = ("-C", "-p", "--print-instances", "-S", "state", "-vvvvv")
    ours, line = run(tmp_path, CLUSTER.format(*names.split(",")), *words)
    (tmp_path / "ganeti").mkdir()
    assert not difference(run_ganeti(program, line, tmp_path / "ganeti"), ours)
    assert "gnt-instance" in ours.output


def test_names_with_spaces_are_written_as_they_are(tmp_path: Path) -> None:
    outcome, _ = run(tmp_path, CLUSTER.format("a node ", "an instance "), "-C")
    assert outcome.code == 0
    assert "  gnt-instance replace-disks -n a node 2 an instance 0\n" in outcome.output


def test_lines_of_the_utilisation_file_end_with_a_newline_alone(tmp_path: Path) -> None:
    (tmp_path / "loads").write_bytes(b"i0 1 2 3 4\r\n")
    outcome, _ = run(tmp_path, CLUSTER.format("n", "i"), "-U", str(tmp_path / "loads"))
    assert outcome.code == 1
    assert "can't parse utilisation data: i0: leftover characters" in outcome.errors
    assert "loads, line 1: expected a name and four numbers" in outcome.errors
