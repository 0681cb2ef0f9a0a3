"""Random comparisons of the small tools and of clusters that stand in iallocator requests; each is made of one seed."""

import json
import random

from tests.conformance.clusters import Case, Generator
from tests.conformance.random_requests import random_request

_COMMON: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.20, ("-U", "{dynu}")),
    (0.08, ("--ignore-dynu",)),
    (0.10, ("-v",)),
    (0.10, ("-vv",)),
    (0.10, ("-vvv",)),
    (0.08, ("-q",)),
)
_OF_TOOL: dict[str, tuple[tuple[float, tuple[str, ...]], ...]] = {
    "hinfo": (
        (0.25, ("-p",)),
        (0.10, ("-p+ptags,peermap,plist",)),
        (0.25, ("--print-instances",)),
    ),
    "hcheck": (
        (0.40, ("--machine-readable",)),
        (0.20, ("--no-simulation",)),
        (0.20, ("--no-capacity-checks",)),
        (0.15, ("--ignore-soft-errors",)),
        (0.10, ("--restricted-migration",)),
        (0.10, ("--evac-mode",)),
        (0.10, ("--no-disk-moves",)),
        (0.10, ("--no-instance-moves",)),
        (0.20, ("-l", "3")),
        (0.10, ("--max-cpu", "1.5")),
        (0.10, ("--min-disk", "0.2")),
    ),
}


def _words(tool: str, rng: random.Random, nodes: list[str]) -> tuple[str, ...]:
    words = [word for share, option in (*_COMMON, *_OF_TOOL[tool]) if rng.random() < share for word in option]
    if rng.random() < 0.15:
        words += ["-O", rng.choice(nodes)]
    return tuple(words)


def text_case(tool: str, seed: int, least: int = 3, most: int = 12) -> Case:
    """A cluster in the text format, and words for a tool."""
    case = Generator(seed, least, most).build()
    if tool == "hbal":
        return case
    nodes = [line.split("|")[0] for line in case.text.split("\n\n")[1].splitlines()]
    return Case(seed, case.text, case.utilisation, _words(tool, random.Random(f"{tool} {seed}"), nodes))


def request_case(tool: str, seed: int) -> Case:
    """A cluster in an iallocator request, and words for a tool."""
    request, rng = random_request(seed), random.Random(f"{tool} -I {seed}")
    instances, nodes = list(request["instances"]), list(request["nodes"])
    loads = ""
    for name in instances:
        if rng.random() < 0.9:  # under the full name, or without the domain
            known = name if rng.random() < 0.8 else name.split(".")[0]
            loads += f"{known} {' '.join(str(round(rng.uniform(0, 3), 2)) for _ in range(4))}\n"
    if tool == "hbal":
        options = Generator(seed)
        options.groups = len(request["nodegroups"])
        words = tuple(options.words(instances, [{"name": name} for name in nodes]))
    else:
        words = _words(tool, rng, nodes)
    return Case(seed, json.dumps(request), loads, words)
