"""Error texts: scripts look for Ganeti's phrases, so every error of ours begins with Ganeti's own.

The table of phrases (`error_cases.py`) is held where Ganeti is absent; where it is installed, it must say the same.
Damaged inputs are compared in `test_damaged_inputs.py`, and all other error texts with the outputs.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from htools.backends import luxi
from tests.conformance.answers import luxid
from tests.conformance.error_cases import LOADING, Case, cases
from tests.conformance.error_values import ANSWERS
from tests.conformance.programs import Outcome, begins_alike, run_ganeti, run_ours
from tests.conftest import GANETI_BIN, ganeti_program
from tests.htools.backends.test_luxi import GROUP_ROW, INSTANCE, NODE, OTHER, POLICY, row

Runner = Callable[[Sequence[str], Path], Outcome]

HAIL = Path(GANETI_BIN).parent / "lib" / "ganeti" / "iallocators" / "hail"


def program(tool: str) -> str | None:
    """Ganeti's program of a name."""
    if tool == "hail":
        return str(HAIL) if HAIL.exists() else None
    return ganeti_program(tool)


def main(tool: str) -> Callable[[Sequence[str]], int]:
    """Our program of a name."""
    return cast("Callable[[Sequence[str]], int]", importlib.import_module(f"htools.{tool}").main)


def run(case: Case, number: int, folder: Path, runner: Runner) -> tuple[Outcome, str]:
    """Run a case; return the outcome and the expected phrase, both for the case's directory."""
    inputs, out = folder / f"{number}", folder / f"{number} out"
    inputs.mkdir()
    out.mkdir()
    for name, content in case.files.items():
        (inputs / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    words = [word.replace("@", f"{inputs}/") for word in case.words.split()]
    return runner(words, out), case.phrase.replace("@", f"{inputs}/")


def test_our_errors_begin_with_ganetis_phrases(tmp_path: Path) -> None:
    found = []
    for number, case in enumerate(cases()):
        ours, phrase = run(case, number, tmp_path, partial(run_ours, main(case.tool)))
        alike = ours.code == case.code and begins_alike(phrase + "\n", ours.errors)
        if not alike or "Traceback" in ours.errors:
            found.append((case.tool, case.words, phrase, ours.code, ours.errors))
    assert not found


@pytest.mark.ganeti
def test_these_are_ganetis_phrases(tmp_path: Path) -> None:
    if not HAIL.exists():
        pytest.skip("Ganeti's programs are not installed")
    found = []
    for number, case in enumerate(cases()):
        path = program(case.tool)
        assert path is not None
        theirs, phrase = run(case, number, tmp_path, partial(run_ganeti, path))
        said = theirs.errors.partition("\n\n")[0] + "\n" if case.code == 2 else theirs.errors
        if (theirs.code, said) != (case.code, phrase + "\n"):
            found.append((case.tool, case.words, phrase, theirs.code, said))
    assert not found


FIELDS = {"node": luxi.NODE_FIELDS, "instance": luxi.INSTANCE_FIELDS, "group": luxi.GROUP_FIELDS}


def answers_with(what: str, name: str, value: object) -> Mapping[str, Any]:
    """Return a daemon's answers with one value changed."""
    info: dict[str, Any] = {"tags": ["c"], "ipolicy": POLICY, "master": "n1", "default_hypervisor": "kvm"}
    rows: dict[str, list[Any]] = {
        "group": [GROUP_ROW[:]],
        "node": [row(luxi.NODE_FIELDS, NODE), row(luxi.NODE_FIELDS, OTHER)],
        "instance": [row(luxi.INSTANCE_FIELDS, INSTANCE)],
    }
    if what == "info":
        info[name] = value
    else:
        rows[what][0][FIELDS[what].index(name)] = value
    return {key: {"fields": [], "data": data} for key, data in rows.items()} | {"QueryClusterInfo": info}


def said_of_answers(tmp_path: Path, runner: Runner) -> list[tuple[str, str]]:
    """Return the phrases, and a program's errors for each daemon's wrong answers."""
    found = []
    (tmp_path / "out").mkdir()
    for number, (what, name, value, phrase) in enumerate(ANSWERS):
        with luxid(tmp_path / f"{number}", answers_with(what, name, value)):
            outcome = runner([f"-L{tmp_path}/{number}"], tmp_path / "out")
        found.append((f"1 {LOADING}{phrase}\n", f"{outcome.code} {outcome.errors}"))
    return found


def test_wrong_answers_of_a_daemon(tmp_path: Path) -> None:
    said = said_of_answers(tmp_path, partial(run_ours, main("hbal")))
    assert not [pair for pair in said if not begins_alike(*pair)]


@pytest.mark.ganeti
def test_wrong_answers_of_a_daemon_in_ganetis_words(tmp_path: Path) -> None:
    path = program("hbal")
    if path is None:
        pytest.skip("Ganeti's programs are not installed")
    said = said_of_answers(tmp_path, partial(run_ganeti, path))
    assert not [pair for pair in said if pair[0] != pair[1]]


def test_the_place_and_what_was_expected_follow_the_phrase(tmp_path: Path) -> None:
    (tmp_path / "loads").write_text("inst0 1 2 3 4\na\n")
    (tmp_path / "t").write_text("g|u|preferred|\n\n\n\n\n")
    ours = run_ours(main("hbal"), ["-t", "t", "-U", "loads"], tmp_path)
    assert ours.errors == (
        "Error: can't parse utilisation data: Cannot parse line a\n"
        "loads, line 2: expected a name and four numbers (cpu, memory, disk, network), found 'a'\n"
    )


def test_what_begins_alike() -> None:
    assert begins_alike("a b\n", "a b\nmore\n")
    assert begins_alike("a\x1b\n", "a\\x1b\n")
    assert begins_alike(f"a{'x' * 900}b\n", f"a{'x' * 499}...{'x' * 199}b\nmore\n")
    assert not begins_alike("a b\n", "a bc\n")
    assert not begins_alike("a b\n", "a\n")
    assert not begins_alike(f"a{'x' * 900}b\n", f"a{'x' * 499}...{'x' * 199}c\nmore\n")
