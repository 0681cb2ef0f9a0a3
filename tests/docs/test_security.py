"""The lines of `docs/security.md` name tests that exist."""

import re

from docs.generator.claims import defines
from docs.generator.sources import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_test_that_is_named_exists() -> None:
    assert NAMED
    assert [f"{path}::{name}" for path, name in NAMED if not defines(ROOT / path, name)] == []


def test_every_threat_names_a_test() -> None:
    table = re.findall(
        r"^\| (?!threat|---|case|place|`impl/)(.*) \| (.*) \| (.*) \|$",
        PAGE.partition("## Ganeti and")[0],
        re.MULTILINE,
    )
    threats = [row for row in table if not row[0].startswith("`MAX_")]
    assert threats
    assert [threat for threat, _, tests in threats if "::test_" not in tests] == []
