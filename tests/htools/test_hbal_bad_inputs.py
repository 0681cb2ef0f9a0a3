"""Malformed and extreme inputs: a clear error and exit code 1, or a run that ends as usual; never a traceback."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htools import hbal
from htools.backends import text
from htools.errors import LoadError
from tests.conformance.clusters import Generator
from tests.conformance.programs import run_ours

NASTY = (
    "", "0", "-1", "1", str(2**31), str(2**53), str(2**63 - 1), str(2**63), str(-(2**63)), "1e400", "1e308", "NaN",
    "Infinity", "0x10", "1_000", " 5", "5 ", "+5", "½", "٣", "ü" * 300, "a" * 300, "|", "||||", ",", ";", "%s",
    "../../x", "\x00", "\t", "Y", "N", "?", "running", "drbd", "node0",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A random cluster's text with some of its fields, lines or bytes exchanged."""
    lines = Generator(draw(st.integers(0, 40)), 3, 5).build().text.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.integers(0, 9))
        fields = lines[at].split("|")
        if what < 7:
            fields[draw(st.integers(0, len(fields) - 1))] = draw(st.sampled_from(NASTY))
            lines[at] = "|".join(fields)
        elif what == 7:
            del lines[at]
        elif what == 8:
            lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
        else:
            lines[at] = "|".join(fields[: draw(st.integers(0, len(fields)))])
    return "\n".join(lines)


@settings(max_examples=80, deadline=None)
@given(damaged())
def test_damaged_files_are_read_or_refused_with_their_place(content: str) -> None:
    refused: LoadError | None = None
    try:
        cluster = text.parse(content, "file")
    except LoadError as error:
        refused = error
    if refused is None:
        assert text.parse(text.dump(cluster)) == cluster
    else:
        assert refused.source == "file"
        assert refused.line is not None
        assert "expected" in refused.reason


@settings(max_examples=50, deadline=None)
@given(damaged())
def test_hbal_ends_in_an_orderly_way(content: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "cluster"
        path.write_text(content, encoding="utf-8")
        (Path(scratch) / "out").mkdir()
        words = ["-t", str(path), "-G", "group0", "-l3", "-C", "-p", "-vvvvv"]
        outcome = run_ours(hbal.main, words, Path(scratch) / "out")
    assert outcome.code in {0, 1}
    assert outcome.code == 0 or "Error:" in outcome.errors


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"", "empty file"),
        (b"\n" * 100_000, "expected"),
        (b"x" * 1_000_000, "expected"),
    ],
)
def test_files_that_are_no_clusters(tmp_path: Path, content: bytes, phrase: str) -> None:
    path = tmp_path / "cluster"
    path.write_bytes(content)
    (tmp_path / "out").mkdir()
    outcome = run_ours(hbal.main, ["-t", str(path)], tmp_path / "out")
    assert (outcome.code, outcome.output) in {(1, ""), (0, "Cluster is empty, exiting.\n")}
    assert phrase in outcome.errors or outcome.code == 0
