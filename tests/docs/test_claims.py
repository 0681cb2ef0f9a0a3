"""The ledger `docs/claims.toml` and the code stay in step: every name in it exists, and its pages show what it says."""

import re

import pytest

from docs.generator.claims import (
    COLUMNS,
    LEDGER,
    LedgerError,
    claim_page,
    defines,
    excerpt,
    overview,
    problems,
    read_ledger,
)
from docs.generator.sources import ROOT

CLAIMS = read_ledger(LEDGER.read_text("utf-8"))
ONE = """
[[section]]
title = "Locks"

[[section.claim]]
id = "one"
claim = "It holds."
tests = ["tests/docs/test_claims.py::test_a_wrong_name_is_found"]
"""


def test_every_name_in_the_ledger_exists_and_every_claim_names_a_test() -> None:
    assert problems(CLAIMS) == []


def test_the_ledger_covers_every_part() -> None:
    assert len({claim.section for claim in CLAIMS}) >= 8
    assert len(CLAIMS) >= 100


def test_claims_are_sentences() -> None:
    assert [claim.id for claim in CLAIMS if not re.match(r"^[\w`].*[.)]$", claim.claim)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tests/docs/test_claims.py::test_a", "tests/no_such_file.py::test_a"),
        ("::test_a_wrong_name_is_found", "::test_no_such_test"),
        ("::test_a_wrong_name_is_found", "::CLAIMS.inside"),
        ('tests = ["tests/docs/test_claims.py::test_a_wrong_name_is_found"]', ""),
        ('claim = "It holds."', 'claim = "It holds."\nchecker = "see `spec/no_such_module.py::rule`"'),
        ('claim = "It holds."', 'claim = "It holds."\ntla = ["tla/Locks.tla::NoSuchProperty"]'),
        (ONE, ONE + ONE.partition('title = "Locks"')[2]),
    ],
)
def test_a_wrong_name_is_found(old: str, new: str) -> None:
    assert problems(read_ledger(ONE)) == []
    assert len(problems(read_ledger(ONE.replace(old, new)))) == 1


@pytest.mark.parametrize("line", ['test = ["misspelt"]', 'planted_notes = "misspelt"'])
def test_a_key_that_is_not_known_is_refused(line: str) -> None:
    with pytest.raises(LedgerError):
        read_ledger(ONE + line)


def test_names_are_found_in_python_and_in_tla() -> None:
    assert defines(ROOT / "tla" / "Locks.tla", "Exclusion")
    assert not defines(ROOT / "tla" / "Locks.tla", "Exclusio")
    assert defines(ROOT / "tests" / "docs" / "test_claims.py", "test_names_are_found_in_python_and_in_tla")
    assert excerpt("tla/Locks.tla::Exclusion")[0].lstrip("(* ").count("==") == 1
    assert excerpt("tests/docs/test_claims.py::ONE")[0].startswith('ONE = """')


def test_a_page_shows_what_is_there_and_what_is_not() -> None:
    claim = read_ledger(ONE)[0]
    text = claim_page(claim).text
    assert text.startswith("# It holds.\n")
    assert "def test_a_wrong_name_is_found" in text
    assert text.count('!!! warning "Gap"') == len(claim.gaps) == len(COLUMNS) - 1


def test_the_title_in_the_list_of_pages_is_the_whole_sentence_in_plain_text() -> None:
    long = f"The lock of `wconfd` {'is held and ' * 20}freed."
    (claim,) = read_ledger(ONE.replace("It holds.", long))
    assert claim_page(claim).title == long.replace("`", "").removesuffix(".")


def test_the_overview_counts_the_gaps() -> None:
    text = overview(CLAIMS, "# Claims").text
    for name in COLUMNS:
        assert str(sum(not claim.filled(name) for claim in CLAIMS)) in text
    assert text.count("**gap**") == sum(len(claim.gaps) for claim in CLAIMS)
