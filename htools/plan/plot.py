"""A picture of a plan: memory, disk and N+1 headroom of each node before and after, and the score of each round.

SVG, written here since it is a few rectangles and a line; HTML is a page around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from unicodedata import east_asian_width

from htools.formatting.numbers import fixed
from htools.model.cluster import NodeModel
from spec.allocator.arithmetic import ratio

WIDTH, LEFT, BAR, GAP = 960, 170, 9, 8
BEFORE, AFTER, LINE = "#b9c4d0", "#2f6f9f", "#c0504d"


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """One node's fractions: used memory, used disk, memory left above the N+1 reserve (negative: it fails)."""

    name: str
    alias: str
    memory: float
    disk: float
    headroom: float


def figures(node: NodeModel) -> NodeFigures:
    """Return the fractions of a node that are drawn."""
    memory, disk = node.total_memory, node.total_disk
    used = 1.0 - ratio(node.free_memory, memory) if memory else 0.0
    headroom = ratio(node.free_memory - node.reserved, memory) if memory else 0.0
    return NodeFigures(node.name, node.alias, used, 1.0 - node.free_disk / disk if disk else 0.0, headroom)


_LABEL = 24
"""Columns of a label; letters of East Asia take two."""


def _columns_of(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def label(name: str, alias: str) -> str:
    """Return a node's label: its name, else its name without the domain, else the two ends of that."""
    shown = name if _columns_of(name) <= _LABEL else alias
    if _columns_of(shown) <= _LABEL:
        return shown
    for kept in range(_LABEL // 2, 0, -1):
        cut = f"{shown[:kept]}…{shown[-kept:]}"
        if _columns_of(cut) <= _LABEL:
            return cut
    return shown[:1]


def escape(text: str) -> str:
    """Escape XML's special characters, and drop those that XML cannot hold."""
    text = "".join(letter if letter in "\t\n\r" or letter.isprintable() or letter > "\x9f" else "�" for letter in text)
    text = text.replace("\ufffe", "�").replace("\uffff", "�")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _text(x: float, y: float, content: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(content)}</text>'


def _bar(x: float, y: float, width: float, colour: str, title: str) -> str:
    return (
        f'<rect x="{min(x, x + width):.1f}" y="{y:.1f}" width="{abs(width):.1f}" height="{BAR}" fill="{colour}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _columns(before: Sequence[NodeFigures], after: Sequence[NodeFigures], top: float) -> list[str]:
    """Return a row of bars for each node, a column for each figure."""
    parts, width = [], (WIDTH - LEFT - 40) / 3
    heads = ("memory used", "disk used", "memory above the N+1 reserve")
    for column, head in enumerate(heads):
        parts.append(_text(LEFT + column * (width + 15), top, head, 'font-weight="bold"'))
    for row, (old, new) in enumerate(zip(before, after, strict=True)):
        y = top + 14 + row * (2 * BAR + GAP)
        parts.append(_text(LEFT - 8, y + BAR + 3, label(old.name, old.alias), 'text-anchor="end"'))
        pairs = ((old.memory, new.memory), (old.disk, new.disk), (old.headroom, new.headroom))
        for column, values in enumerate(pairs):
            x = LEFT + column * (width + 15)
            for line, (value, colour, when) in enumerate(
                zip(values, (BEFORE, AFTER), ("before", "after"), strict=True)
            ):
                shown = max(-0.2, min(1.0, value if value == value else 0.0))  # noqa: PLR0124 - NaN draws nothing
                shade = LINE if column == 2 and value < 0 else colour
                title = f"{old.name}, {heads[column]}, {when}: {fixed(100 * value, 1)} %"
                parts.append(_bar(x, y + line * BAR, width * shown, shade, title))
    return parts


def _scores(scores: Sequence[float], top: float, height: float) -> list[str]:
    """Return the score after each round as a line."""
    most = max(scores) or 1.0
    step = (WIDTH - LEFT - 40) / max(1, len(scores) - 1)
    points = [(LEFT + at * step, top + height * (1 - score / most)) for at, score in enumerate(scores)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        _text(LEFT, top - 8, f"score by round: {fixed(scores[0], 4)} to {fixed(scores[-1], 4)}", 'font-weight="bold"'),
        f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="1.5"/>',
        f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.5" fill="{LINE}"/>',
        f'<line x1="{LEFT}" y1="{top + height:.1f}" x2="{WIDTH - 40}" y2="{top + height:.1f}" stroke="#888"/>',
        _text(LEFT - 8, top + 4, fixed(most, 2), 'text-anchor="end"'),
        _text(LEFT - 8, top + height + 4, "0", 'text-anchor="end"'),
    ]


def svg(title: str, before: Sequence[NodeFigures], after: Sequence[NodeFigures], scores: Sequence[float]) -> str:
    """Return the picture as SVG.

    Args:
        title: its heading.
        before: the nodes' figures before the plan, in order.
        after: the same after it.
        scores: the score at first and after each round.
    """
    nodes_top, chart = 90.0, 160.0
    bottom = nodes_top + 14 + len(before) * (2 * BAR + GAP)
    height = bottom + chart + 80
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" font-size="11">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        _text(20, 28, title, 'font-size="16" font-weight="bold"'),
        _bar(20, 42, 24, BEFORE, "before") + _text(50, 50, "before"),
        _bar(110, 42, 24, AFTER, "after") + _text(140, 50, "after"),
        _bar(190, 42, 24, LINE, "fails") + _text(220, 50, "N+1 fails"),
        *_columns(before, after, nodes_top),
        *_scores([score for score in scores if isfinite(score)] or [0.0], bottom + 45, chart),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def page(title: str, picture: str) -> str:
    """Return the picture in a page of HTML."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>\n'
        f"<body>\n{picture}</body></html>\n"
    )
