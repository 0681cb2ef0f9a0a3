"""A page of the site, and the tree of its navigation."""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its `path` below the site's root (`….md`), its title in the navigation, and its Markdown."""

    path: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the navigation: a title, pages and further parts."""

    title: str
    entries: Sequence["Page | Section"] = field(default_factory=tuple)

    def pages(self) -> Iterator[Page]:
        """Yield every page in it, in order."""
        for entry in self.entries:
            if isinstance(entry, Page):
                yield entry
            else:
                yield from entry.pages()


def link(source: str, target: str, anchor: str = "") -> str:
    """Return the address of one page, seen from another."""
    path = posixpath.relpath(target, posixpath.dirname(source) or ".")
    return f"{path}#{anchor}" if anchor else path
