"""Ganeti's errors for texts that are not JSON: a table, and a comparison with hail on random texts."""

import random
import time
from pathlib import Path

import pytest

from htools.backends.malformed import TOP_LEVEL, fault
from tests import budget
from tests.conformance.programs import run_ganeti
from tests.conftest import GANETI_BIN

HAIL = Path(GANETI_BIN).parent / "lib" / "ganeti" / "iallocators" / "hail"
PIECES = (
    "{", "}", "[", "]", ",", ":", '"a"', '"', "1", "-", "0", ".", "e", "E", "+", "true", "false", "null", "tru", "nul",
    " ", "\n", "\t", "\u00a0", "\\u12", "\\", "\\n", '\\"', "\\ud800", "x", "é", "\x01", "\x7f", '"b":', "[]", "{}",
    "1.5", "-2e3", '"\\u00e9"', "'", "\u2003", "\x00", "\x0eH", "\x1b5", "\u0661", "\\/",
)  # fmt: skip
BEFORE = "Error: Parsing input IAllocator message: "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", TOP_LEVEL),
        (" {}", TOP_LEVEL),
        ("{", "Malformed JSON: expecting string: "),
        ("[abcdefghijk]", "Malformed JSON: invalid token in this context abcdefgh"),
        ("[[1] x]", "Unable to parse JSON array: unterminated array: x]"),
        ("[1 x]", "Unable to parse JSON array: unterminated array:  x]"),
        ('["a\nb"]', 'Illegal unescaped character in string: \nb"]'),
        ('["\\u"]', 'Unable to parse JSON String: invalid hex: "]'),
        ('["\\uzzzz"]', "Unable to parse JSON String: invalid hex: []"),
        ('{} "é\\', 'Invalid tokens at end of JSON string: "\\"\\233\\\\"'),
        ("[1.]", ""),
        ('{"a" : [ ] , "b":{"c":-0.5e+3}}\n', ""),
        ('["\\ud800"]', ""),
    ],
)
def test_where_reading_stops(text: str, said: str) -> None:
    assert fault(text) == said


def test_depth_does_not_matter() -> None:
    begin = time.process_time()
    assert fault("[" * 300_000) == "Malformed JSON: invalid token in this context "
    assert not fault('{"a":' * 100_000 + "1" + "}" * 100_000)
    assert time.process_time() - begin < 20


def compare(seed: int, count: int, folder: Path) -> None:
    """Hold what is said of random texts against what hail says of them."""
    if not HAIL.exists():
        pytest.skip("no hail of Ganeti's on this machine")
    rng = random.Random(f"malformed {seed}")
    refused = 0
    (folder / "out").mkdir()
    for _ in range(count):
        text = rng.choice("[{") + "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 9)))
        (folder / "r").write_text(text)
        message = run_ganeti(str(HAIL), [str(folder / "r")], folder / "out").errors
        said = fault(text)
        refused += bool(said)
        if said:
            assert message == f"{BEFORE}{said}\n"
        else:
            assert message.startswith((f"{BEFORE}Unable to read JSObject", "Error: invalid iallocator message: "))
    assert refused > count // 2


@pytest.mark.ganeti
def test_random_texts(tmp_path: Path) -> None:
    compare(budget.fixed(0), 200, tmp_path)


@pytest.mark.ganeti
@pytest.mark.long
def test_many_random_texts(tmp_path: Path) -> None:
    compare(budget.seed(), budget.spent(ci=600, weekly=4000), tmp_path)
