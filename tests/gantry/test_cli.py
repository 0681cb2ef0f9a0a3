"""The command `gantry` as a whole: help, the version, and one line, no traceback, for what cannot be done."""

import tempfile
import tomllib
from pathlib import Path

import pytest

from gantry.cli import COMMANDS, main
from spec.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
BRANCH = str(ROOT / "examples" / "branch-4.txt")

SUBCOMMANDS = {
    "cluster": ("init", "start", "status", "export", "stop"),
    "job": ("submit", "list", "info", "watch", "cancel", "priority", "archive", "drain"),
    "tla": ("check", "eval", "parse"),
}


def words_of_help() -> list[list[str]]:
    return [[], *([name] for name in COMMANDS), *([name, sub] for name, subs in SUBCOMMANDS.items() for sub in subs)]


@pytest.mark.parametrize("words", words_of_help(), ids=lambda words: " ".join(words) or "gantry")
def test_help_fits_eighty_columns(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    if words:
        with pytest.raises(SystemExit, match="0"):
            main([*words, "--help"])
    else:
        assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(" ".join(["usage: gantry", *words]))
    assert [line for line in said.splitlines() if len(line) > 80] == []
    assert "(default " not in " ".join(said.split()), "defaults are written '(default: VALUE)'"
    assert "exit code" in said.lower() or words[:1] != ["tla"] or len(words) < 2


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gantry {VERSION}\n"
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"] == VERSION


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("nonsense", 2, "unknown command 'nonsense'"),
        (
            "cluster init --from /no/such --root {root}",
            1,
            "cannot open /no/such: No such file or directory",
        ),
        (f"cluster init --from {BRANCH} --root {{file}}", 1, "File exists: {file}"),
        (f"cluster init --from {BRANCH} --root /proc/none", 1, "/proc/none"),
        (f"cluster init --from {BRANCH} --root {{root}}/{'x' * 100}", 1, "bytes shorter"),
        ("cluster start --root {file}", 1, "no cluster here"),
        ("cluster status --root {root}", 1, "make one with 'gantry cluster init"),
        ("job list --root {root}", 1, "'gantry cluster start' starts Gantry's"),
        ("locks --root {file}", 1, "'gantry cluster start' starts Gantry's"),
        ("conform luxid --socket {root}/none", 1, "no answer from {root}/none"),
        ("conform wconfd --socket {root}/none", 1, "no answer from {root}/none"),
        ("audit /no/such --cluster " + BRANCH, 2, "cannot read /no/such"),
        ("trace jobs /no/such", 1, "cannot read the trace /no/such"),
        ("tla parse /no/such.tla", 150, "no/such.tla: No such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    words: str, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="gc") as short:
        root, file = Path(short, "root"), Path(short, "file")
        root.mkdir()
        file.touch()
        assert main(words.format(root=root, file=file).split()) == code
        said = capsys.readouterr()
        assert text.format(root=root, file=file) in said.err
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert (list(root.iterdir()), file.read_bytes()) == ([], b"")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("job info x1", "a job's id is a number, not 'x1'"),
        ("job list --status nonsense", "invalid choice: 'nonsense' (choose from 'queued'"),
        ("job submit", "the following arguments are required: OPCODE|FILE|-\n"),
        ("locks --watch --interval -1", "expected seconds from 0"),
    ],
)
def test_wrong_usage_is_reported(words: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    assert text in capsys.readouterr().err
