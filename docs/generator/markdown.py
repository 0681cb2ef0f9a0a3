"""Turns texts of the code into Markdown: docstrings, signatures, tables. Pure."""

import re
from collections.abc import Iterable, Sequence

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields|Note|Example):$")
_ENTRY = re.compile(r"^ {4}(\S[^:]*): (.*)$")
_SPECIAL = re.compile(r"([\\*_\[\]<>|#])")
_BAR = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"(`+[^`]+`+)")
_KEPT = re.compile(r"(`+[^`]+`+|(?<![\w*])\*\w[^*`\n]*\*(?![\w*]))")


def plain(text: str) -> str:
    """Return a text whose signs mean themselves, but for what stands in backticks, and emphasis between asterisks."""
    parts = _KEPT.split(text)
    return "".join(part if number % 2 else _SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts))


def cell(text: str) -> str:
    """Write Markdown as one cell of a table."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if number % 2 else _BAR.sub(r"\\|", part) for number, part in enumerate(parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown cells."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(text) for text in row) + " |" for row in rows]
    return "\n".join(lines)


def code(text: str, language: str = "") -> str:
    """Return a block of code."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def folded(title: str, body: str) -> str:
    """Return a part that opens on a click."""
    lines = "\n".join(f"    {line}" if line else "" for line in body.splitlines())
    return f'??? quote "{title}"\n\n{lines}'


def docstring(text: str) -> str:
    """Return a docstring in Google's style as Markdown: sections become lists, examples blocks of code."""
    out: list[str] = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        section = _SECTION.match(line)
        if section:
            number, entries = _section(lines, number + 1)
            out += ["", f"**{section[1]}**", "", *entries, ""]
            continue
        if line.lstrip().startswith(">>>"):
            block = []
            while number < len(lines) and lines[number].strip():
                block.append(lines[number].strip())
                number += 1
            out += ["", code("\n".join(block), "pycon"), ""]
            continue
        if line.startswith("    ") and not (out and out[-1].startswith(("* ", "  "))):
            block = []
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                block.append(lines[number][4:])
                number += 1
            out += ["", code("\n".join(block)), ""]
            continue
        if line.startswith(("* ", "- ")):
            if out and out[-1] and not out[-1].startswith(("* ", "  ")):
                out.append("")
            out.append("* " + plain(line[2:]))
        else:
            out.append(plain(line) if not line.startswith("  ") else "  " + plain(line.strip()))
        number += 1
    return "\n".join(out).strip()


def _section(lines: list[str], number: int) -> tuple[int, list[str]]:
    entries: list[str] = []
    while number < len(lines):
        line = lines[number]
        if not line.strip() or not line.startswith(" "):
            break
        entry = _ENTRY.match(line)
        if entry:
            entries.append(f"* `{entry[1]}`: {plain(entry[2])}")
        elif entries:
            entries.append(f"  {plain(line.strip())}")
        else:
            entries.append(f"* {plain(line.strip())}")
        number += 1
    return number, entries
