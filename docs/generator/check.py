"""Looks at built pages: nothing is fetched from the network, and every picture, script and style sheet is there."""

import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_FETCHED = {
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "object": ("data",),
    "video": ("src", "poster"),
    "use": ("href", "xlink:href"),
}
"""Attributes that make a browser fetch something, by element."""
_STYLE_ADDRESS = re.compile(r"""(?:@import\s+|url\()\s*["']?([^"')\s;]+)""")


class _Fetched(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"canonical", "next", "prev", "alternate"}:
            return
        for name in _FETCHED.get(tag, ()):
            address = given.get(name)
            if address:
                self.addresses.append(address)


def fetched(html: str) -> list[str]:
    """Return the addresses that a browser fetches for a page."""
    parser = _Fetched()
    parser.feed(html)
    return parser.addresses


def is_remote(address: str) -> bool:
    """Return whether an address lies outside the site."""
    return bool(re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", address, re.IGNORECASE))


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with a built site, a line each."""
    for file in sorted(site.rglob("*")):
        path = file.relative_to(site).as_posix()
        if file.suffix in {".html", ".svg"}:
            text = file.read_text("utf-8")
            for address in fetched(text):
                if is_remote(address):
                    yield f"{path} fetches {address}"
                elif not address.startswith(("data:", "#")) and path != "404.html" and file.suffix == ".html":
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), address.partition("?")[0]))
                    if not (site / target.partition("#")[0]).is_file():
                        yield f"{path} shows {address}, which does not exist"
        if file.suffix in {".css", ".svg"}:
            for address in _STYLE_ADDRESS.findall(file.read_text("utf-8")):
                if is_remote(address):
                    yield f"{path} fetches {address}"
