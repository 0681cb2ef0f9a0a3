"""The files that the guide in CONTRIBUTING.md leads to exist."""

import re
from collections.abc import Iterator

from docs.generator.sources import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def lost(text: str) -> Iterator[str]:
    """Yield the paths in a table's rows that lead nowhere."""
    rows = "".join(line for line in text.splitlines(keepends=True) if line.startswith("|"))
    for path in re.findall(r"`([\w.-]+/[\w./-]*|\w+\.(?:toml|md))`", rows):
        if not (ROOT / path).exists():
            yield path


def test_every_file_in_the_guide_exists() -> None:
    assert list(lost(TEXT)) == []


def test_a_lost_file_is_found() -> None:
    assert list(lost(TEXT.replace("`spec/allocator/groups.py`", "`spec/allocator/group.py`"))) == [
        "spec/allocator/group.py"
    ]
