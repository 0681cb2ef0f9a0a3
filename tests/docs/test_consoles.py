"""Commands in pages print what the pages show."""

from pathlib import Path

import pytest

from docs.generator.consoles import MARK, Command, blocks, checked_pages, matches, run, run_page, wrong
from docs.generator.sources import ROOT

PAGES = {file.relative_to(ROOT).as_posix(): file for file in checked_pages()}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_commands_print(page: str) -> None:
    assert wrong(PAGES[page]) == []


def test_the_pages_that_must_stay_true_are_checked() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/how-to/operators.md"} <= set(PAGES)


def test_every_page_with_console_blocks_is_checked() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    with_blocks = {page.relative_to(ROOT).as_posix() for page in pages if "```console" in page.read_text("utf-8")}
    assert with_blocks == set(PAGES)


@pytest.mark.parametrize(
    ("shown", "printed", "fits"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("…\n", "", True),
        ("took … s\n", "took 1.5 s\n", True),
        ("a\n", "a  \n", True),
        ("a\n", "a\nb\n", False),
        ("a\n…\nd\n", "a\nd\ne\n", False),
        ("took … s\n", "took 1.5 ms\n", False),
        ("a.c\n", "abc\n", False),
        ("", "a\n", False),
    ],
)
def test_an_output_fits_what_is_shown(shown: str, printed: str, fits: bool) -> None:
    assert matches(shown, printed) is fits


def test_commands_of_several_lines() -> None:
    text = "```console\n$ cat <<E\n> one\n> E\none\n$ true\n```\n"
    assert blocks(text) == [[Command("cat <<E\none\nE", "one\n"), Command("true", "")]]


def test_commands_run_in_a_directory(tmp_path: Path) -> None:
    commands = [Command("echo hello > file", ""), Command("cat file; ls nothing", "")]
    printed = [text for _, text in run(commands, tmp_path)]
    assert printed[0] == ""
    assert printed[1].startswith("hello\n")
    assert "nothing" in printed[1]


def test_a_page_that_is_not_so_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{MARK}\n\n```console\n$ ls examples/branch-4.txt\nexamples/branch-5.txt\n```\n", "utf-8")
    assert [text for _, text in run_page(page)] == ["examples/branch-4.txt\n", "examples\n"]
    assert len(wrong(page)) == 1


def test_a_page_that_leaves_files_behind_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{MARK}\n\n```console\n$ touch left\n```\n", "utf-8")
    (found,) = wrong(page)
    assert found.endswith("printed:\nexamples\nleft\n")
