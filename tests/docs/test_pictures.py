"""The pictures that are committed are those that the programs make now."""

import html
import re
from pathlib import Path

from docs.generator.pictures import COMMITTED, plot, shortened, terminal, waits, waits_picture
from docs.generator.sources import ROOT


def texts(svg: str) -> list[str]:
    """The lines of a picture of a terminal."""
    lines: dict[str, str] = {}
    for y, text in re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines[y] = lines.get(y, "") + html.unescape(text).replace("\xa0", " ")
    return [line.strip() for line in lines.values()]


def test_the_plot_is_hbals(tmp_path: Path) -> None:
    plot(tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_text("utf-8") == (COMMITTED / "office-20.svg").read_text("utf-8")


def test_the_demonstration_shows_the_steps_of_the_code() -> None:
    lines = texts((COMMITTED / "demo.svg").read_text("utf-8"))
    code = "".join(path.read_text("utf-8") for path in (ROOT / "gantry").rglob("*.py"))
    steps = [match[1] for line in lines if (match := re.match(r"\[ *[\d.]+ s\] (.*)", line))]
    assert len(steps) >= 5
    assert [step for step in steps if step.partition(", from ")[0] not in code] == []
    assert lines[-1].startswith("Everything is as promised, in ")


def test_a_terminal_keeps_the_text_and_fetches_nothing() -> None:
    svg = terminal("$ make demo\n     ok   a < b & c", 40)
    assert texts(svg) == ["$ make demo", "ok   a < b & c"]
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_long_runs_of_progress_are_shortened() -> None:
    story = "\n".join(["[  0.0 s] begin", *(f"          line {number}" for number in range(20)), "[  9.0 s] end"])
    lines = shortened(story, 3).splitlines()
    assert lines[1:6] == [*(f"          line {n}" for n in range(3)), "          …", "          line 19"]
    assert len(lines) == 7


def test_the_graph_of_waits_is_that_of_the_lock_core() -> None:
    blocked = {entry["owner"][0]: {blocker[0] for blocker in entry["blockers"]} for entry in waits()["waiting"]}
    assert blocked == {12: {11}, 13: {11, 12}, 14: {11}}
    assert waits_picture().count("->") == 4
