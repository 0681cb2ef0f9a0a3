"""Compares our tools with Ganeti's on random clusters: `python -m tests.conformance.fuzz --seed 7 --count 1000`.

Each seed is a cluster and a command line (see `clusters.py`, `cases.py`, `tight.py`); a difference is shown with its
seed, and `--keep DIR` leaves the input there. The tests of `test_fuzz_hbal.py` run the same comparison.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from htools import hbal, hcheck, hinfo
from htools.balance import rounds, vector_search
from htools.limits import BALANCING_CANDIDATES, PAIRS_WITHOUT_BOUNDS
from tests.conformance.cases import request_case, text_case, wild
from tests.conformance.clusters import Case
from tests.conformance.programs import difference, run_ganeti, run_ours
from tests.conformance.tight import TightGenerator
from tests.conftest import ganeti_program

MAIN = {"hbal": hbal.main, "hcheck": hcheck.main, "hinfo": hinfo.main}

STUMBLES = ("IntMap.!", "Prelude.", "stack overflow", "maximum: empty")
"""What Ganeti's program says when it falls over its own input: there is nothing to compare then."""


def compare(program: str, case: Case, directory: Path, tool: str = "hbal", backend: str = "-t") -> str:
    """Run both programs on one case; return their difference, empty if there is none."""
    inputs, theirs, ours = (directory / name for name in ("inputs", "ganeti", "ours"))
    for path in (inputs, theirs, ours):
        path.mkdir(parents=True)
    (inputs / "cluster.data").write_text(case.text)
    (inputs / "cluster.dynu").write_text(case.utilisation)
    (inputs / "cluster.mond").write_text(case.monitoring)
    files = {"{dynu}": str(inputs / "cluster.dynu"), "{mond}": str(inputs / "cluster.mond")}
    words = [files.get(word, word) for word in case.words]
    words += [backend, str(inputs / "cluster.data")]
    ganeti = run_ganeti(program, words, theirs)
    if ganeti.code != 0 and any(sign in ganeti.errors for sign in STUMBLES):
        return ""
    # Every other cluster is balanced as a large one is, with what earlier rounds found; few without vectors.
    small, few = PAIRS_WITHOUT_BOUNDS if case.seed % 2 else 0, BALANCING_CANDIDATES if case.seed % 4 == 1 else 0
    with (
        patch.object(vector_search, "PAIRS_WITHOUT_BOUNDS", small),
        patch.object(rounds, "BALANCING_CANDIDATES", few),
    ):
        found = difference(ganeti, run_ours(MAIN[tool], words, ours))
    return f"seed {case.seed}: {tool} {' '.join(words)}\n{found}" if found else ""


def differences(
    program: str,
    seeds: range,
    least: int,
    most: int,
    keep: Path | None = None,
    *,
    tool: str = "hbal",
    requests: bool = False,
    free: bool = False,
    tight: bool = False,
) -> Iterator[str]:
    """Yield the differences on the cases of these seeds: clusters as text, or in iallocator requests.

    Args:
        program: Ganeti's, or another one with its command line.
        seeds: of the cases.
        least: fewest nodes.
        most: most nodes.
        keep: folder for the inputs.
        tool: which program it is.
        requests: whether the clusters are in requests.
        free: whether all kinds of options are mixed in (`cases.wild`).
        tight: whether few resources are tight (hbal's text clusters only: `tight.py`).
    """
    for seed in seeds:
        if tight:
            case = TightGenerator(seed, least, most).build()
        else:
            case = request_case(tool, seed) if requests else text_case(tool, seed, least, most)
        case = wild(tool, case) if free else case
        with tempfile.TemporaryDirectory() as scratch:
            directory = keep / str(seed) if keep else Path(scratch) / "case"
            found = compare(program, case, directory, tool, "-I" if requests else "-t")
        if found:
            yield found


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--count", type=int, default=200, help="number of clusters")
    parser.add_argument("--nodes", default="3-12", help="least and most nodes")
    parser.add_argument("--tool", default="hbal", choices=sorted(MAIN), help="which program it is")
    parser.add_argument("--program", metavar="PATH", help="compare this one with ours (default: Ganeti's)")
    parser.add_argument("--requests", action="store_true", help="clusters in iallocator requests (-I)")
    parser.add_argument("--free", action="store_true", help="more options, and odder ones")
    parser.add_argument("--tight", action="store_true", help="clusters in which few resources are tight (hbal)")
    parser.add_argument("--keep", type=Path, help="folder for the inputs")
    arguments = parser.parse_args(words)
    if arguments.tight and (arguments.requests or arguments.tool != "hbal"):
        sys.exit("--tight makes clusters for hbal in the text format: leave out --requests and --tool")
    program = os.path.abspath(arguments.program) if arguments.program else ganeti_program(arguments.tool)
    if program is None:
        sys.exit(f"Ganeti's {arguments.tool} is not installed (Debian: ganeti-htools-3.0)")
    least, most = map(int, arguments.nodes.split("-"))
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    failures = 0
    tool, requests = arguments.tool, arguments.requests
    free, tight = arguments.free, arguments.tight
    for found in differences(
        program, seeds, least, most, arguments.keep, tool=tool, requests=requests, free=free, tight=tight
    ):
        failures += 1
        print(found, flush=True)  # noqa: T201
    print(f"{len(seeds)} clusters compared, {failures} differ")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
