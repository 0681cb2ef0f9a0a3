"""Odd and wrong command lines: exit codes and standard output are Ganeti's, and standard error where all is well.

What our programs say about wrong input is their own: it names file, line and field.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from htools import hbal, hcheck, hinfo, hroller, hscan
from tests.conformance.clusters import Generator
from tests.conformance.programs import difference, run_ganeti, run_ours
from tests.conftest import ganeti_program

MAIN: dict[str, Callable[[Sequence[str]], int]] = {
    "hbal": hbal.main,
    "hcheck": hcheck.main,
    "hinfo": hinfo.main,
    "hroller": hroller.main,
    "hscan": hscan.main,
}
LINES = """
hbal -t T word
hbal -t /nonexistent
hbal -t T -L
hbal -t T -I /nonexistent
hbal -t T -O none -vv
hbal -t T --help=x
hbal -t T --v
hbal -t T -vZ
hbal -t T --offline-m
hbal -t T -U /nonexistent
hbal -t /nonexistent -U T
hbal -t T --max-cpu NaN
hbal -t T --max-cpu NaN -vvvvv
hbal -t T --max-cpu Infinity
hbal -t T --min-disk NaN -vvvvv
hbal -t T --min-disk Infinity
hbal -t T --min-disk -1e30
hbal -t T -l 0x10
hbal -t T -l 9999999999999999999999
hbal -t T -l 1e3
hbal -t T -g (3)
hbal -t T -e -Infinity
hbal -t T --select-instances none,inst0
hbal -t T --select-instances ,
hbal -t T --exclusion-tags ,
hbal -t T --mond=maybe
hbal -t T --mond --mond-data /nonexistent --ignore-dynu
hbal -t T --mond-data /nonexistent
hbal -t T --priority HIGH
hbal -t T -p+
hbal -t T -p,
hbal -t T -pNAME,+plist
hbal -t T -C/nonexistent/x
hbal -t T -S /nonexistent/x
hbal -t T -S
hbal -t T -C -C -q -q
hbal -t T -G none
hbal -t T -X
hbal -- -t T
hinfo -t T -O none
hinfo -t T -O none -vvv
hinfo -t T -U T
hinfo -t T --print-nodes=
hinfo -t T --mond=
hcheck -t T --machine-readable=maybe
hcheck -t T --machine-readable=no -v
hcheck -t T -qq
hcheck -t T --min-disk NaN
hcheck -t T --no-
hroller -t T --node-tags=none
hroller -t T -G none
hroller -t T word
hscan -d /nonexistent -q
hscan -L/nonexistent/socket --no-headers
hscan -L/nonexistent/socket
""".strip().splitlines()


@pytest.mark.ganeti
@pytest.mark.parametrize("text", LINES)
def test_odd_command_lines(tmp_path: Path, text: str) -> None:
    tool, *words = text.split()
    program = ganeti_program(tool)
    if program is None:
        pytest.skip(f"Ganeti's {tool} is not installed")
    cluster = tmp_path / "cluster.data"
    cluster.write_text(Generator(7, 4, 4).build().text)
    words = [str(cluster) if word == "T" else word for word in words]
    theirs, ours = tmp_path / "ganeti", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    assert not difference(run_ganeti(program, words, theirs), run_ours(MAIN[tool], words, ours))
