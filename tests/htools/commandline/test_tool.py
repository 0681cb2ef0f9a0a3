"""The command lines: abbreviations, arguments, refusals; against Ganeti's programs where they are installed."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from htools.commandline.getopt import CommandLineError
from htools.commandline.option_table import OPTIONS
from htools.commandline.options import Options, Spec
from htools.commandline.tool import TOOLS, parse_command_line, run_tool
from htools.formatting.haskell import parse_unit, read_float, read_int
from tests.conftest import ganeti_program

HAIL = "/usr/lib/ganeti/3.0/usr/lib/ganeti/iallocators/hail"


def read(tool: str, *words: str) -> Options:
    return parse_command_line(TOOLS[tool], words)[0]


def test_prefixes_name_an_option() -> None:
    assert read("hbal", "--evac").evac_mode
    assert read("hbal", "--max-l=3").max_length == 3
    assert read("hbal", "--min-gain", "0.5").min_gain == 0.5
    assert read("hspace", "--sim", "p,1,2,3,4", "--sim=q,1,2,3,4").simulate == ["q,1,2,3,4", "p,1,2,3,4"]


def test_an_extension_never_hides_an_option_of_ganeti() -> None:
    assert read("hbal", "--l", "sock").luxi == ""  # --look-ahead is ours
    assert read("hsqueeze", "--exe").execute
    assert read("hsqueeze", "--dr").dry_run


def test_looking_back_is_refused() -> None:
    with pytest.raises(CommandLineError, match="expected 0"):
        read("hbal", "--look-ahead", "-1")


def test_arguments() -> None:
    options, arguments = parse_command_line(TOOLS["hbal"], ["a", "-vvq", "-pname,+x", "-C", "b", "--", "-v"])
    assert (options.verbose, options.print_nodes, options.print_commands) == (2, ["name", "+x"], "-")
    assert arguments == ["a", "b", "-v"]
    assert read("hbal", "-p+ptags").print_nodes == ["+", "ptags"]
    assert read("hbal", "-p").print_nodes == []
    assert read("hbal", "-L").luxi == ""
    assert read("hbal", "-Lsock").luxi == "sock"
    assert read("hspace", "--standard-alloc", "1g,512,2").standard_spec == Spec(1024, 512, 2, 1)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--foo"], 2, "unrecognized option `--foo'"),
        (["-Z"], 2, "unrecognized option `-Z'"),
        (["--min"], 2, "ambiguous"),
        (["-l"], 2, "requires an argument N"),
        (["--evac-mode=x"], 2, "doesn't allow an argument"),
        (["-l", "x"], 1, "max solution length: cannot parse string 'x'"),
        (["-l", "5x"], 1, "leftover characters when parsing '5x': 'x'"),
        (["--max-cpu=-1"], 1, "expected >0"),
        (["--mond=d"], 1, "pass one of 'yes' or 'no'"),
        (["--priority=x"], 1, "Unknown priority 'x'"),
    ],
)
def test_refusals(words: list[str], code: int, text: str) -> None:
    with pytest.raises(CommandLineError) as caught:
        read("hbal", *words)
    assert caught.value.code == code
    assert text in caught.value.text


def test_numbers_as_haskell_reads_them() -> None:
    assert read_int("n", " (0x1F)") == 31
    assert read_float("n", "1e3") == 1000.0
    assert parse_unit("10M") == 9
    assert parse_unit("2 GiB") == 2048
    assert read_int("n", "\u2003( 7\xa0)") == 7
    assert read_int("n", "1" + "0" * 5000) == 0  # modulo 2⁶⁴
    assert read_float("n", "0x" + "f" * 300) == float("inf")
    for text in ("1e3", "1.5", "", "5 ", "--5", "0b11", "\x1c1"):
        with pytest.raises(ValueError, match=r"parse|leftover"):
            read_int("n", text)


def test_help_is_narrow_and_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for name in TOOLS:
        assert run_tool(name, lambda *_: 7, ["--help"]) == 0
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) < 80
        assert run_tool(name, lambda *_: 7, ["-V"]) == 0
        assert capsys.readouterr().out.startswith(f"{name} (gantry) ")
        assert run_tool(name, lambda *_: 7, []) == 7


@pytest.mark.ganeti
@pytest.mark.parametrize("name", sorted(TOOLS))
def test_the_tables_are_those_of_ganeti(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    program = ganeti_program(name) or (HAIL if name == "hail" else None)
    if program is None:
        pytest.skip(f"Ganeti's {name} is not installed")
    ganeti = subprocess.run([program, "--help-completion"], capture_output=True, text=True, check=True).stdout
    assert run_tool(name, lambda *_: 7, ["--help-completion"]) == 0
    extensions = {f"--{option}" for option in TOOLS[name].extensions}
    ours = [line for line in capsys.readouterr().out.splitlines() if line.split()[0].split(",")[-1] not in extensions]
    assert ours == ganeti.splitlines()


@pytest.mark.ganeti
@pytest.mark.parametrize(
    "words",
    [["--m"], ["--foo", "-l"], ["-l", "0x"], ["-l", "(5"], ["-g", "1."], ["-g", ".5"], ["--max-cpu", "0"], ["-l 3x"]],
)
def test_refusals_are_those_of_ganeti(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    program = ganeti_program("hbal")
    if program is None:
        pytest.skip("Ganeti's hbal is not installed")
    ganeti = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert run_tool("hbal", lambda *_: 7, words) == ganeti.returncode
    if ganeti.returncode == 1:
        assert capsys.readouterr().err == ganeti.stderr


def test_every_option_sets_a_setting_that_there_is() -> None:
    samples = ("1", "1,1,1", "yes", "drbd", "low")
    for option in OPTIONS:
        settings = Options()
        for sample in samples:
            with suppress(ValueError):
                option.apply(settings, sample if option.value else None)
                break
        assert set(vars(settings)) <= set(Options.__annotations__)
    with pytest.raises(AttributeError, match="no option 'verbsoe'"):
        Options(verbsoe=2)


def test_changed_settings_are_a_copy() -> None:
    settings = Options(verbose=3)
    assert (settings.changed(verbose=0).verbose, settings.verbose) == (0, 3)
    assert settings.changed(json=True).verbose == 3


@pytest.mark.parametrize("words", [["hbal", "--version"], ["hinfo", "-t", "cluster"]])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_a_full_disk_behind_standard_output_is_reported(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "cluster").write_text("g|u|preferred|\n\nn|9|0|9|9|9|1|N|u|1\n\n\n")
    tool, *rest = words
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run(
            [sys.executable, "-m", f"htools.{tool}", *rest],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    said = f"{tool}: <stdout>: hFlush: resource exhausted (No space left on device)\n"
    assert (done.returncode, done.stderr) == (1, said)
