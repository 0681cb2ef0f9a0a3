"""The ledger of claims: reads `docs/claims.toml`, checks it, and makes a page for each claim and an overview."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs.generator import markdown
from docs.generator.pages import Page, Section, link
from docs.generator.sources import ROOT, find, module_name, read_module
from docs.generator.specification import anchor, operator_source, operators, page_path

LEDGER = ROOT / "docs" / "claims.toml"
OVERVIEW = "claims/index.md"

COLUMNS = {
    "tla": "TLA+ property",
    "spec": "Specification",
    "checker": "Checker and bounds",
    "tests": "Tests",
    "planted": "Planted bugs it catches",
}
LISTS = ("tla", "spec", "tests", "planted")
_KEYS = {"id", "claim", "checker", *LISTS, *(f"{name}_note" for name in LISTS)}
_QUOTED = re.compile(r"`([\w./-]+\.(?:py|tla|cfg|md)(?:::[\w.]+)?)`")


class LedgerError(ValueError):
    """The ledger is not as it must be; the text says where."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim and what proves it; references are `path` or `path::name`.

    Attributes:
        id: the name of its page.
        section: the title of its part of the ledger.
        claim: one sentence.
        lists: references by column.
        notes: texts that belong to a list, by column.
        checker: who checks it and within which bounds; may be empty.
    """

    id: str
    section: str
    claim: str
    lists: Mapping[str, tuple[str, ...]]
    notes: Mapping[str, str]
    checker: str

    @property
    def path(self) -> str:
        """Its page."""
        return f"claims/{self.id}.md"

    @property
    def gaps(self) -> tuple[str, ...]:
        """The columns that have nothing."""
        return tuple(name for name in COLUMNS if not self.filled(name))

    def filled(self, column: str) -> bool:
        """Return whether a column has anything."""
        if column == "checker":
            return bool(self.checker)
        return bool(self.lists[column] or self.notes.get(column))

    def references(self) -> Iterator[str]:
        """Yield every reference in it."""
        for names in self.lists.values():
            yield from names
        yield from _QUOTED.findall(self.checker)


def _claim(section: str, row: Mapping[str, Any]) -> Claim:
    unknown = sorted(set(row) - _KEYS)
    if unknown or not isinstance(row.get("claim"), str) or not isinstance(row.get("id"), str):
        raise LedgerError(f"{row.get('id', section)}: expected id, claim and {sorted(_KEYS)}, not {unknown}")
    lists = {name: tuple(row.get(name, ())) for name in LISTS}
    notes = {name: str(row[f"{name}_note"]) for name in LISTS if f"{name}_note" in row}
    return Claim(row["id"], section, row["claim"], lists, notes, row.get("checker", ""))


def read_ledger(text: str) -> list[Claim]:
    """Return the claims of a ledger, in order.

    Raises:
        LedgerError: a claim lacks its id or sentence, or has a key that is not known.
    """
    return [_claim(part["title"], row) for part in tomllib.loads(text)["section"] for row in part["claim"]]


def defines(path: Path, name: str) -> bool:
    """Return whether a file defines a name; `Class.method` and names in a class's body count."""
    if path.suffix == ".tla":
        return name in operators(path.read_text("utf-8"))
    relative = path.relative_to(ROOT).as_posix()
    return path.suffix == ".py" and find(read_module(relative), name) is not None


def problems(claims: list[Claim]) -> list[str]:
    """Return what is wrong with a ledger: ids that stand twice, names that do not exist, claims without a test."""
    found = [f"{one.id} stands twice" for number, one in enumerate(claims) if one.id in {c.id for c in claims[:number]}]
    for claim in claims:
        if not claim.lists["tests"]:
            found.append(f"{claim.id} names no test")
        for reference in claim.references():
            path, _, name = reference.partition("::")
            if not (ROOT / path).is_file():
                found.append(f"{claim.id}: {path} does not exist")
            elif name and not defines(ROOT / path, name):
                found.append(f"{claim.id}: {path} does not define {name}")
    return found


def excerpt(reference: str) -> tuple[str, str]:
    """Return the source of what a reference names, and its language; an empty text for a whole file."""
    path, _, name = reference.partition("::")
    if not name:
        return "", ""
    if path.endswith(".tla"):
        return operator_source((ROOT / path).read_text("utf-8"), name), ""
    found = find(read_module(path), name)
    return (found.source if found else ""), "python"


def _shown(source: str, reference: str) -> str:
    path, _, name = reference.partition("::")
    if path.startswith(("spec/", "tla/")) and path.endswith((".py", ".tla")):
        target = link(source, page_path(path), anchor(path, name) if name else "")
        what = f"{Path(path).name} {name}" if path.endswith(".tla") else f"{module_name(path)}.{name}".rstrip(".")
        return f"[`{what}`]({target})"
    return f"`{reference}`"


def _column(claim: Claim, column: str) -> str:
    parts = [f"## {COLUMNS[column]}"]
    if not claim.filled(column):
        parts.append('!!! warning "Gap"\n\n    Nothing here yet.')
        return "\n\n".join(parts)
    if column == "checker":
        text = _QUOTED.sub(lambda match: _shown(claim.path, match[1]), claim.checker)
        parts.append(text[:1].upper() + text[1:] + ".")
        return "\n\n".join(parts)
    excerpts = {name: excerpt(name) for name in claim.lists[column]}
    linked = column in {"tla", "spec"}
    named = [f"* {_shown(claim.path, name)}" for name, (source, _) in excerpts.items() if linked or not source]
    parts.append("\n".join(named))
    if claim.notes.get(column):
        parts.append(markdown.plain(claim.notes[column]) + ".")
    for name, (source, language) in excerpts.items():
        if source:
            parts.append(markdown.folded(name, markdown.code(source, language)))
    return "\n\n".join(part for part in parts if part)


def claim_page(claim: Claim) -> Page:
    """Return the page of a claim."""
    gaps = ""
    if claim.gaps:
        gaps = "Gaps: " + ", ".join(f"*{COLUMNS[name]}*" for name in claim.gaps) + "."
    parts = [f"# {claim.claim}", gaps, *(_column(claim, name) for name in COLUMNS)]
    text = "\n\n".join(part for part in parts if part)
    return Page(
        claim.path, claim.claim.replace("`", "").rstrip("."), f"{text}\n\n[All claims]({link(claim.path, OVERVIEW)})\n"
    )


def overview(claims: list[Claim], introduction: str) -> Page:
    """Return the page that counts claims and gaps, and lists them all."""
    titles = list(dict.fromkeys(claim.section for claim in claims))
    counts = []
    for title in [*titles, "All"]:
        part = [claim for claim in claims if title in {claim.section, "All"}]
        counts.append(
            (title, str(len(part)), *(str(sum(not claim.filled(name) for claim in part) or "–") for name in COLUMNS))
        )
    parts = [
        introduction.rstrip(),
        "## Gaps",
        "How many claims there are, and how many of them have nothing in a column.",
        markdown.table(("part", "claims", *COLUMNS.values()), counts),
    ]
    for title in titles:
        rows = [
            (
                f"[{markdown.plain(claim.claim)}]({link(OVERVIEW, claim.path)})",
                *("yes" if claim.filled(name) else "**gap**" for name in COLUMNS),
            )
            for claim in claims
            if claim.section == title
        ]
        parts += [f"## {title}", markdown.table(("claim", *COLUMNS.values()), rows)]
    return Page(OVERVIEW, "Overview", "\n\n".join(parts) + "\n")


def section(introduction: str) -> Section:
    """Return the part of the site with all claims.

    Raises:
        LedgerError: something is wrong with the ledger.
    """
    claims = read_ledger(LEDGER.read_text("utf-8"))
    wrong = problems(claims)
    if wrong:
        raise LedgerError("; ".join(wrong))
    parts: list[Page | Section] = [overview(claims, introduction)]
    for title in dict.fromkeys(claim.section for claim in claims):
        parts.append(Section(title, [claim_page(claim) for claim in claims if claim.section == title]))
    return Section("Claims", parts)
