"""Puts the site together: writes all pages and pictures into a directory, with the settings of the site generator."""

import json
import posixpath
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from docs.generator import claims, markdown, nav, programs, specification
from docs.generator.generated import Workshop, filled, write_pictures
from docs.generator.pages import Page, Section, link
from docs.generator.pictures import COMMITTED
from docs.generator.sources import ROOT, read_packages

DOCS = ROOT / "docs"
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")

_SETTINGS = """\
[project]
site_name = "Gantry"
site_description = "The control plane of a cluster of virtual machines, formally specified"
docs_dir = "pages"
site_dir = "site"
use_directory_urls = false
extra_css = ["stylesheets/gantry.css"]
nav = {nav}

[project.theme]
font = false
language = "en"
features = ["navigation.tabs", "navigation.indexes", "navigation.path", "navigation.prune", "navigation.top", \
"navigation.footer", "content.code.copy", "toc.follow", "search.highlight"]

[project.theme.palette]
scheme = "default"

[project.extra]
generator = false

[project.plugins.search]
enabled = true

[project.plugins.offline]
enabled = true

[project.markdown_extensions]
admonition = {{}}
attr_list = {{}}
tables = {{}}
toc.permalink = true
pymdownx.details = {{}}
pymdownx.highlight.anchor_linenums = false
pymdownx.superfences = {{}}
"""

_STYLE = """\
.md-grid { max-width: 76rem; }
.md-typeset img { max-width: 100%; height: auto; }
.md-typeset table:not([class]) { font-size: 0.68rem; }
.md-typeset pre > code { font-size: 0.7rem; }
.md-typeset td:first-child code { overflow-wrap: normal; word-break: normal; white-space: nowrap; }
"""


_REMOTE_SCRIPT = "https://unpkg.com/iframe-worker/shim"
"""What the theme fetches to search a site that is opened from files."""
_OUR_SCRIPT = "javascripts/search-from-files.js"


class SiteError(Exception):
    """The site cannot be put together; the text says why."""


def title_of(text: str, path: str) -> str:
    """Return the title of a page: its first heading.

    Raises:
        SiteError: it has none.
    """
    found = _TITLE.search(text)
    if found is None:
        raise SiteError(f"{path} has no title: begin it with '# …'")
    return found[1].replace("`", "")


def outside(source: str, text: str, places: Mapping[str, str]) -> str:
    """Return a page from elsewhere in the tree: its links lead to pages of the site, or become plain text."""
    target = nav.OUTSIDE[source][0]

    def rewritten(match: re.Match[str]) -> str:
        mark, words, address = match.groups()
        if "://" in address:
            return words
        path, _, anchor = address.partition("#")
        known = places.get(posixpath.normpath(posixpath.join(posixpath.dirname(source), path)))
        if not path or known is None or mark:
            return words
        return f"[{words}]({link(target, known, anchor)})"

    return _LINK.sub(rewritten, text)


def _records(introduction: str) -> Section:
    first = "adr/index.md"
    pages: list[Page | Section] = []
    rows = []
    for file in sorted((DOCS / "adr").glob("[0-9]*.md")):
        text = file.read_text("utf-8")
        number = int(file.name[:4])
        title = re.sub(r"^\d+[.:] ", "", title_of(text, file.name))
        path = f"adr/{file.name}"
        pages.append(Page(path, f"{number}. {title}", text))
        rows.append((str(number), f"[{title}]({link(first, path)})"))
    overview = introduction.rstrip() + "\n\n" + markdown.table(("", "decision"), rows) + "\n"
    return Section("Decisions", [Page(first, "Overview", overview), *pages])


def tree() -> tuple[Section, Workshop]:
    """Return the whole site, and the pictures that its pages show.

    Raises:
        SiteError: a page is missing or lies in `docs/` without a place in the navigation.
    """
    lost = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - set(nav.written())
    lost = {path for path in lost if not re.match(r"adr/\d", path)}
    if lost:
        raise SiteError(f"no place in the navigation (docs/generator/nav.py): {', '.join(sorted(lost))}")
    workshop = Workshop(read_packages())

    def page(path: str) -> Page:
        file = DOCS / path
        if not file.is_file():
            raise SiteError(f"docs/{path} does not exist")
        text = file.read_text("utf-8")
        return Page(path, title_of(text, path), filled(workshop, path, text))

    parts = {title: Section(title, [page(path) for path in paths]) for title, paths in nav.WRITTEN.items()}
    start = parts["Start"]
    spec = specification.section(workshop.modules, page("specification/index.md").text)
    places = {f"docs/{path}": path for path in nav.written()}
    places |= {source: target for source, (target, _) in nav.OUTSIDE.items()}
    elsewhere = {
        source: Page(target, title, outside(source, (ROOT / source).read_text("utf-8"), places))
        for source, (target, title) in nav.OUTSIDE.items()
    }
    tla = spec.entries[-1]
    if not isinstance(tla, Section):
        raise SiteError("the last part of the specification is not TLA+")
    spec = Section(spec.title, [*spec.entries[:-1], Section(tla.title, [elsewhere.pop("tla/README.md"), *tla.entries])])
    reference = Section("Reference", [programs.section(), parts["Protocols"], *parts["Reference"].entries])
    return (
        Section(
            "Gantry",
            [
                *start.entries,
                parts["How to"],
                reference,
                spec,
                claims.section(page("claims/index.md").text),
                parts["Architecture"],
                _records(page("adr/index.md").text),
                Section("Project", list(elsewhere.values())),
            ],
        ),
        workshop,
    )


def navigation(section: Section) -> str:
    """Return the navigation as TOML."""

    def entry(one: Page | Section) -> str:
        if isinstance(one, Page):
            return f"{{ {json.dumps(one.title, ensure_ascii=False)} = {json.dumps(one.path)} }}"
        inside = ", ".join(entry(other) for other in one.entries)
        return f"{{ {json.dumps(one.title, ensure_ascii=False)} = [{inside}] }}"

    return "[\n" + "".join(f"  {entry(one)},\n" for one in section.entries) + "]"


def write(directory: Path) -> int:
    """Write the site's pages, pictures and settings; returns the number of pages.

    Raises:
        SiteError: see `tree`.
        claims.LedgerError: something is wrong with the ledger of claims.
    """
    whole, workshop = tree()
    pages = directory / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    seen: set[str] = set()
    for page in whole.pages():
        if page.path in seen:
            raise SiteError(f"two pages are called {page.path}")
        seen.add(page.path)
        file = pages / page.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page.text, "utf-8")
    write_pictures(workshop, pages / "pictures")
    for file in sorted(COMMITTED.glob("*.svg")):
        if not (pages / "pictures" / file.name).exists():
            shutil.copy(file, pages / "pictures" / file.name)
    (pages / "stylesheets").mkdir(exist_ok=True)
    (pages / "stylesheets" / "gantry.css").write_text(_STYLE, "utf-8")
    (pages / _OUR_SCRIPT).parent.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).parent / Path(_OUR_SCRIPT).name, pages / _OUR_SCRIPT)
    (directory / "zensical.toml").write_text(_SETTINGS.format(nav=navigation(whole)), "utf-8")
    return len(seen)


def localise(site: Path) -> None:
    """Let built pages use our own script for searching from files, in place of one that the theme fetches.

    Raises:
        SiteError: no page names it: the theme has changed, and this is to be looked at.
    """
    changed = 0
    for file in site.rglob("*.html"):
        text = file.read_text("utf-8")
        if _REMOTE_SCRIPT in text:
            path = file.relative_to(site).as_posix()
            file.write_text(text.replace(_REMOTE_SCRIPT, link(path, _OUR_SCRIPT)), "utf-8")
            changed += 1
    if not changed:
        raise SiteError(f"no page names {_REMOTE_SCRIPT}: the theme has changed, see site.localise")
