"""What is wrong with a built site is found: what is fetched from the network, and what is not there."""

from pathlib import Path

import pytest

from docs.generator.check import problems

GOOD = """<html><head><link rel="stylesheet" href="style.css"><link rel="canonical" href="https://example.org/"></head>
<body><img src="pictures/a.svg"><script src="a.js?1"></script><a href="https://example.org/">x</a></body></html>"""


def site(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", "utf-8")
    (tmp_path / "style.css").write_text("body { background: url(pictures/a.svg) }", "utf-8")
    (tmp_path / "a.js").write_text("", "utf-8")
    (tmp_path / "index.html").write_text(GOOD, "utf-8")
    return tmp_path


def test_a_good_site_passes(tmp_path: Path) -> None:
    assert list(problems(site(tmp_path))) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("index.html", 'src="pictures/a.svg"', 'src="https://example.org/a.svg"'),
        ("index.html", 'src="pictures/a.svg"', 'src="pictures/b.svg"'),
        ("index.html", 'href="style.css"', 'href="//example.org/style.css"'),
        ("index.html", 'src="a.js?1"', 'src="b.js"'),
        ("index.html", "<body>", '<body><iframe src="http://example.org/"></iframe>'),
        ("style.css", "url(pictures/a.svg)", "url('https://example.org/font.woff2')"),
        ("style.css", "body", '@import "https://example.org/a.css"; body'),
        ("pictures/a.svg", "/>", "><image/><style>@font-face{src:url(https://example.org/f)}</style></svg>"),
    ],
)
def test_each_kind_of_fault_is_found(tmp_path: Path, file: str, old: str, new: str) -> None:
    path = site(tmp_path) / file
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    assert len(list(problems(tmp_path))) == 1
