"""What is wrong with a command line is told with Ganeti's texts, and before the program itself runs."""

import json

import pytest

from htools.commandline import start
from htools.commandline.options import Options
from htools.commandline.tool import TOOLS
from htools.commandline.usage import NoSourceError, check_sources
from spec.errors import GantryError

NO_ARGUMENTS = "This program doesn't take any arguments."
LOADERS = sorted(set(TOOLS) - {"hail", "hscan"})


def run(capsys: pytest.CaptureFixture[str], name: str, *words: str) -> tuple[int | str | None, str, str]:
    try:
        code: int | str | None = start.run(name, words)
    except SystemExit as end:
        code = end.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", LOADERS)
def test_arguments_and_missing_sources_are_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, name, "x") == (1, "", f"Error: {NO_ARGUMENTS}\n")
    code, out, err = run(capsys, name)
    assert (code, out) == (1, "")
    assert err == (
        "Error: failed to load data, aborting: No backend selected! Exiting.\n"
        "give the cluster with -t FILE, -L, or another option that --help lists\n"
    )
    assert {"text-data", "luxi"} <= set(TOOLS[name].options)
    code, out, err = run(capsys, name, "-t/no/such", "-L")
    assert (code, out) == (1, "")
    assert err == "Error: Only one of the rapi, luxi, and data files options should be given.\n"


def test_hail_takes_one_argument(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "hail")
    assert code == 1
    assert err == (
        "Error: This program needs an input file.\ngive the file of an iallocator request: hail [OPTION...] REQUEST\n"
    )
    assert run(capsys, "hail", "a", "b") == (1, "", "Error: Only one argument is accepted (the input file)\n")


@pytest.mark.parametrize(("words", "text"), [(["x"], NO_ARGUMENTS), ([], "No backend selected! Exiting.")])
def test_hbal_reports_errors_to_programs_in_json(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "hbal", "--json", *words)
    assert code == 1
    assert json.loads(out)["state"] == "failed"
    assert text in json.loads(out)["error"]


@pytest.mark.parametrize(
    "source", [{"luxi": ""}, {"data_file": "f"}, {"simulate": ["f"]}, {"ialloc_source": "f"}, {"rapi": "host"}]
)
def test_one_source_is_enough(source: dict[str, object]) -> None:
    check_sources(Options(**source))
    with pytest.raises(NoSourceError):
        check_sources(Options())
    with pytest.raises(GantryError, match="Only one of"):
        check_sources(Options(rapi="a", data_file="b"))


def test_a_wrong_utilisation_file_is_reported_before_the_missing_source(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "hbal", "-U", "/no/such")
    assert "/no/such: openFile: does not exist" in err
    assert "No backend" not in err
