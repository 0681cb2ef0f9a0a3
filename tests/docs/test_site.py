"""The pages of the site are consistent: navigation, links, methods of protocols. No site generator is needed."""

import posixpath
import re
import tomllib
from pathlib import Path

import networkx as nx
import pytest

from docs.generator import graphs, markdown, nav, states
from docs.generator.generated import PARTS, wanted
from docs.generator.pages import Page, Section
from docs.generator.parsers import COMMANDS, LUXI_METHODS, TOOLS, WCONFD_METHODS, daemon_parsers
from docs.generator.site import DOCS, SiteError, localise, navigation, outside, tree
from docs.generator.sources import PACKAGES, ROOT, find, read_module, read_packages
from docs.generator.specification import operator_source, operators

pytestmark = pytest.mark.xdist_group("site")  # they share the pages
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def whole() -> Section:
    return tree()[0]


@pytest.fixture(scope="module")
def pages(whole: Section) -> dict[str, Page]:
    return {page.path: page for page in whole.pages()}


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^( *)(```+).*?^\1\2$", "", text, flags=re.MULTILINE | re.DOTALL))


def test_every_link_leads_to_a_page_or_a_picture(pages: dict[str, Page]) -> None:
    lost = []
    for page in pages.values():
        for address in _LINK.findall(without_code(page.text)):
            path = address.partition("#")[0]
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), path)) if path else page.path
            if "://" not in address and target not in pages and not target.startswith("pictures/"):
                lost.append(f"{page.path}: {address}")
    assert lost == []


def test_every_page_is_in_the_navigation_once(whole: Section, pages: dict[str, Page]) -> None:
    settings = tomllib.loads(f"nav = {navigation(whole)}")

    def paths(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        if isinstance(entry, dict):
            return [path for value in entry.values() for path in paths(value)]
        assert isinstance(entry, list)
        return [path for value in entry for path in paths(value)]

    found = paths(settings["nav"])
    assert sorted(found) == sorted(pages)


def test_every_hand_written_page_has_a_place() -> None:
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert {path for path in there if not re.match(r"adr/\d", path)} == set(nav.written())


def test_every_path_that_a_page_names_exists() -> None:
    files = [ROOT / "README.md", *(ROOT / path for path in nav.OUTSIDE), *DOCS.rglob("*.md")]
    there = re.compile(r"`((?:spec|impl|htools|checkers|gantry|tests|docs|bench|tla|examples)/[\w./-]*\w)(?:::\w+)?`")
    lost = [
        f"{file.relative_to(ROOT)}: {path}"
        for file in files
        for path in there.findall(file.read_text("utf-8"))
        if not (ROOT / path).exists()
    ]
    assert lost == []


def test_every_part_that_a_page_asks_for_is_known_and_every_part_is_asked_for() -> None:
    asked = {name for path in nav.written() for name in wanted((DOCS / path).read_text("utf-8"))}
    assert asked == set(PARTS)


def test_every_module_of_the_specification_and_every_program_has_a_page(pages: dict[str, Page]) -> None:
    for file in (ROOT / "spec").rglob("*.py"):
        name = file.relative_to(ROOT / "spec").as_posix().removesuffix(".py").replace("__init__", "index")
        assert f"specification/{name}.md" in pages
    for name in (*TOOLS, *(f"gantry-{command}" for command in COMMANDS), "luxid", "wconfd"):
        assert f"reference/programs/{name}.md" in pages


@pytest.mark.parametrize(("page", "methods"), [("luxi", set(LUXI_METHODS)), ("wconfd", WCONFD_METHODS)])
def test_a_protocols_page_describes_every_method_and_no_other(page: str, methods: set[str]) -> None:
    text = (DOCS / "protocols" / f"{page}.md").read_text("utf-8")
    rows = re.findall(r"^\| (`\w+`[^|]*) \|", text, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == methods


def test_programs_have_every_option(pages: dict[str, Page]) -> None:
    for tool in TOOLS.values():
        for option in tool.table():
            assert f"--{option.long}" in pages[f"reference/programs/{tool.name}.md"].text
    for parser in daemon_parsers():
        assert "`-h, --help`" in pages[f"reference/programs/{parser.prog}.md"].text
    assert "--query-only" in pages["reference/programs/luxid.md"].text


def test_subcommands_have_parts_of_their_own(pages: dict[str, Page]) -> None:
    assert "## gantry job submit" in pages["reference/programs/gantry-job.md"].text


def test_pages_from_elsewhere_keep_links_to_pages_only() -> None:
    text = outside("tests/README.md", "[a](../tla/README.md#x) [b](../pyproject.toml) [c](https://example.org/)", {
        "tla/README.md": "specification/tla/index.md"
    })  # fmt: skip
    assert text == "[a](../specification/tla/index.md#x) b c"


def test_the_script_that_the_theme_fetches_is_replaced_by_ours(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    page = tmp_path / "a" / "page.html"
    page.write_text('<script src="https://unpkg.com/iframe-worker/shim"></script>', "utf-8")
    localise(tmp_path)
    assert page.read_text("utf-8") == '<script src="../javascripts/search-from-files.js"></script>'
    with pytest.raises(SiteError):
        localise(tmp_path)


def test_import_graphs_are_those_of_the_code() -> None:
    modules = read_packages()
    spec = graphs.child_graph(modules, "spec")
    assert {"spec.jobs", "spec.locks", "spec.errors"} <= set(spec)
    assert spec.has_edge("spec.locks", "spec.errors")
    assert not graphs.imports_between(modules, "spec", "impl")
    assert graphs.imports_between(modules, "impl", "spec")
    for package in PACKAGES:
        assert f'"{package}.' in graphs.package_dot(modules, package)


def test_arrows_that_a_longer_way_implies_are_left_out_and_circles_stay() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "c")])
    assert set(graphs.short(graph).edges) == {("a", "b"), ("b", "c"), ("c", "d"), ("d", "c")}


def test_states_are_computed_from_the_specification() -> None:
    opcode = states.opcode_diagram()
    assert opcode.steps[("waiting", "running")] == ("grant",)
    assert ("running", "canceled") not in opcode.steps
    assert not any(source in opcode.final for source, _ in opcode.steps)
    lock = states.lock_diagram()
    assert ("holds nothing,\nwaits for it shared", "holds it shared") in lock.steps
    assert states.compatibility().count("granted") == 2


def test_docstrings_become_markdown() -> None:
    text = markdown.docstring(
        "One_line with `a_b`.\n\nArgs:\n    name: what *it* is,\n        a*b.\n\n>>> 1 + 1\n2\n\n* one\n  goes on"
    )
    assert text == (
        "One\\_line with `a_b`.\n\n\n**Args**\n\n* `name`: what *it* is,\n  a\\*b.\n\n\n\n"
        "```pycon\n>>> 1 + 1\n2\n```\n\n\n* one\n  goes on"
    )


def test_operators_of_tla_are_found_with_their_source() -> None:
    source = (
        "---- MODULE A ----\n(* why *)\nP(x) ==\n    x = 1\n\nTHEOREM T == P(1)\nf[x \\in S] == x\n  Inner == 1\n===="
    )
    assert {"P", "T", "f"} <= set(operators(source))
    assert operator_source(source, "P") == "(* why *)\nP(x) ==\n    x = 1"


def test_definitions_are_found_in_classes_too() -> None:
    module = read_module("spec/locks/names.py")
    found = find(module, "Level.NODE")
    assert found is not None
    assert found.source.strip() == "NODE = 3"
    assert find(module, "Level.NOWHERE") is None
