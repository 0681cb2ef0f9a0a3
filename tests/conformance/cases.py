"""Random comparisons of the small tools and of clusters that stand in iallocator requests; each is made of one seed."""

import json
import random
from dataclasses import replace
from typing import Any

from tests.conformance.clusters import Case, Generator
from tests.conformance.random_requests import random_request

_COMMON: tuple[tuple[float, tuple[str, ...]], ...] = (
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
        (0.20, ("-U", "{dynu}")),
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
    """Return a cluster in the text format, and words for a tool."""
    case = Generator(seed, least, most).build()
    if tool == "hbal":
        return case
    nodes = [line.split("|")[0] for line in case.text.split("\n\n")[1].splitlines()]
    return Case(seed, case.text, case.utilisation, _words(tool, random.Random(f"{tool} {seed}"), nodes))


def request_case(tool: str, seed: int) -> Case:
    """Return a cluster in an iallocator request, and words for a tool."""
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


_FIELDS = (
    "name", "fqdn", "status", "tmem", "nmem", "imem", "xmem", "fmem", "umem", "rmem", "amem", "tdsk", "fdsk", "tcpu",
    "ucpu", "pcnt", "scnt", "plist", "slist", "pfmem", "pfdsk", "rcpu", "cload", "mload", "dload", "nload", "ptags",
    "peermap", "spindle_count", "hi_spindles", "inst_spindles", "idx", "PCNT", "nonsense", "",
)  # fmt: skip
_ODD = ("0", "-1", "1e9", "NaN", "Infinity", "0.01", "1", "3.5", "(2)", " 4", "1e-9", "x", "")
_NUMBERS = ("-g", "--min-gain-limit", "-e", "--max-cpu", "--min-disk")


def _reports(rng: random.Random, nodes: list[str], instances: list[str]) -> str:
    """Return random reports of monitoring daemons: mostly complete, sometimes shorter or of another shape."""
    content: list[Any] = []
    for name in nodes:
        if rng.random() < 0.04:
            continue
        total: dict[str, Any] = {"cpu_number": 2, "cpus": [0.5, 1], "cpu_total": round(rng.uniform(0, 5), 3)}
        if rng.random() < 0.03:
            del total[rng.choice(list(total))]
        loads = {instance: round(rng.uniform(0, 2), 3) for instance in instances if rng.random() < 0.98}
        reports = []
        for collector, data in (("cpu-avg-load", total), ("xen-cpu-avg-load", loads), ("drbd", {})):
            report = {"name": collector, "version": "B", "format_version": 1, "timestamp": 1, "kind": 0, "data": data}
            if rng.random() > 0.01:
                reports.append(report | {"category": None})
        content.append({"node": name, "reports": reports})
    return json.dumps(content)


def _names(case: Case) -> tuple[list[str], list[str]]:
    if case.text.startswith("{"):
        request = json.loads(case.text)
        return list(request["nodes"]), list(request["instances"])
    sections = case.text.split("\n\n")
    nodes, instances = ([line.split("|")[0] for line in section.splitlines()] for section in sections[1:3])
    return nodes, instances


def wild(tool: str, case: Case) -> Case:
    """Return the case with more options: monitoring data, lists of fields and names, numbers at their extremes."""
    rng = random.Random(f"wild {tool} {case.seed}")
    nodes, instances = _names(case)
    words = list(case.words)

    def maybe(share: float, *more: str) -> None:
        if rng.random() < share:
            words.extend(more)

    if tool in {"hbal", "hinfo"}:
        maybe(0.25, "-p" + rng.choice(("", "+")) + ",".join(rng.choices(_FIELDS, k=rng.randint(1, 9))))
        maybe(0.30, "--mond" + rng.choice(("", "=yes", "=yes", "=no")), "--mond-data", "{mond}")
    if tool == "hbal":
        maybe(0.10, "--mond-xen")
        maybe(0.10, "--exit-on-missing-mond-data")
        maybe(0.05, "-S", "state", "-Cscript")
    if tool in {"hbal", "hcheck"}:
        maybe(0.25, rng.choice(_NUMBERS), rng.choice(_ODD))
        maybe(0.05, "-l", rng.choice(("0", "-3", "2", "1e3", "0x2")))
        some = rng.sample(instances, min(len(instances), rng.randint(1, 4)))
        maybe(0.10, "--select-instances", ",".join([*some, *(["none"] if rng.random() < 0.1 else [])]))
        maybe(0.10, "--exclude-instances", ",".join(name.split(".")[0] for name in some))
        maybe(0.10, "--exclusion-tags", rng.choice(("", "rack", "svc,db,owner", "kvm:")))
        maybe(0.05, "--no-disk", "--evac")
    maybe(0.05, "--static-kvm-node-memory", rng.choice(("0", "1", "100000", "-7", "x")))
    maybe(0.15, "-O", rng.choice(nodes).split(".")[0], "-O", rng.choice((*nodes, "none", "")))
    maybe(0.05, rng.choice(("-q", "-vvvvv", "-qq", "--verb")))
    maybe(0.03, rng.choice(("word", "--none", "-Z", "--no-", "--", "-vh=1")))
    return replace(case, words=tuple(words), monitoring=_reports(rng, nodes, instances))
