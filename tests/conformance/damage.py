"""Damages inputs of every format, from a seed: lines, fields, keys and bytes go, come twice, or become something odd.

Each function takes a valid input and returns bytes that may be valid or not. Nothing is judged here.
"""

import json
import random
from collections.abc import Callable
from typing import Any

WORDS = (
    "", " ", "0", "-0", "-1", "1", "+1", "1.5", "1.", ".5", "1e3", "1E3", "1e400", "-1e400", "1e308", "1e-400", "00012",
    str(2**31), str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), str(2**64), "9" * 400,
    "9" * 5000, "NaN", "nan", "Infinity", "-Infinity", "inf", "0x10", "0o17", "0b11", "1_000", " 5", "5 ", "(5)", "- 5",
    "½", "٣", "ü" * 300, "a" * 300, "𝔸", ",", ",,", "a,,b", ";", ";;", "%s", "\\", '"', "'", "&<>", "../x", "\x00",
    "\t", "\r", "\x1b[31m", "Y", "N", "y", "M", "?", "-", "running", "drbd", "plain", "ext", "diskless", "preferred",
    "node0", "node1", "inst0", "group0", "uuid-0", "(" * 300 + "5" + ")" * 300,
)  # fmt: skip
"""What a field of text may become."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 1.5, 2.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1,
    2**64, 10**400,
    "", "0", "1", "x", "ü" * 300, "\x00", "drbd", "node0", [], [[]], [None], [0], [-1], ["x"], ["a", "a"],
    [2**63], {}, {"": 0}, {"name": "x"}, "NaN", float("nan"), float("inf"), [1e3], "\ud800",
)  # fmt: skip
"""What a value of JSON may become."""

Place = tuple[str | int, ...]


def _bytes(rng: random.Random, data: bytes) -> bytes:
    """Damage that knows nothing of the format."""
    at = rng.randint(0, len(data))
    more = rng.choice(
        (b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\r", b"\n", b"\n\n", b"|", b" ", b"\t", b"\xc2\xa0")
    )
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: data[:at],
        lambda: data[at:],
        lambda: data[:at] + more + data[at:],
        lambda: data[:at] + more + data[at + 1 :],
        lambda: b"\xef\xbb\xbf" + data,
        lambda: data.replace(b"\n", b"\r\n"),
        lambda: data + rng.choice((b"\n", b"\n\n", b" ", b"\x00", b"x", data[:at])),
        lambda: data.rstrip(b"\n"),
    )
    return rng.choice(kinds)()


def damaged_lines(seed: int, content: str, separator: str) -> bytes:
    """Return a file of lines with fields, with one to three faults or oddities."""
    rng = random.Random(f"lines {seed}")
    if rng.random() < 0.2:
        return _bytes(rng, content.encode())
    lines = content.split("\n")
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        fields = lines[at].split(separator)
        field = rng.randrange(len(fields))
        kind = rng.choice(("exchange",) * 8 + ("copy", "drop", "add", "shorten", "delete", "repeat", "blank", "swap"))
        if kind == "exchange":
            fields[field] = rng.choice(WORDS)
        elif kind == "copy":
            fields[field] = rng.choice(rng.choice(lines).split(separator))
        elif kind == "drop":
            del fields[field]
        elif kind == "add":
            fields.insert(field, rng.choice(WORDS))
        elif kind == "shorten":
            del fields[field:]
        lines[at] = separator.join(fields)
        if kind == "delete":
            del lines[at]
        elif kind == "repeat":
            lines.insert(at, rng.choice(lines))
        elif kind == "blank":
            lines.insert(at, "")
        elif kind == "swap":
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
    return "\n".join(lines or [""]).encode()


def _paths(value: Any, here: Place = ()) -> list[Place]:
    """Return the places of all values inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in inner for path in _paths(item, (*here, key)))]


def damaged_json(seed: int, value: Any) -> bytes:
    """Return a JSON text with one to three faults or oddities."""
    rng = random.Random(f"json {seed}")
    if rng.random() < 0.15:
        return _bytes(rng, json.dumps(value, ensure_ascii=False).encode())
    value = json.loads(json.dumps(value))
    twice: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        path = rng.choice(_paths(value)[1:] or [()])
        if not path:
            return json.dumps(rng.choice(VALUES)).encode()
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        key, kind = path[-1], rng.choice(("exchange",) * 6 + ("copy", "delete", "delete", "repeat", "rename", "round"))
        if kind == "exchange":
            inner[key] = json.loads(json.dumps(rng.choice(VALUES)))
        elif kind == "copy":
            found: Any = value
            for step in rng.choice(_paths(value)):
                found = found[step]
            inner[key] = json.loads(json.dumps(found))
        elif kind == "delete":
            del inner[key]
        elif kind == "repeat" and isinstance(inner, list):
            inner.insert(int(key), inner[int(key)])
        elif kind == "repeat":
            twice.append(f"{json.dumps(key)}: ")
        elif kind == "rename" and isinstance(inner, dict):
            inner[rng.choice(("", "x", "node0", "ü" * 300))] = inner.pop(key)
        elif isinstance(inner[key], int | float) and not isinstance(inner[key], bool):
            inner[key] = inner[key] + rng.choice((0.0, 0.5, 0.25))
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    for name in twice:
        odd = json.dumps(rng.choice(VALUES))
        text = text.replace(name, f"{name}{odd}, {name}", 1)
    return text.encode(errors="surrogatepass")
