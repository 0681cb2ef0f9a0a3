"""Random clusters from a luxid, from a remote API and from its saved answers: the text is always Ganeti's."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from htools import hbal, hcheck, hinfo, hscan
from htools.backends import text
from tests import budget
from tests.conformance.answers import luxid, over_luxi, over_rapi
from tests.conformance.cases import text_case
from tests.conformance.programs import difference, run_ganeti, run_ours
from tests.conftest import ganeti_program
from tests.htools.backends.test_rapi import serving

Main = Callable[[Sequence[str]], int]
LINES: tuple[tuple[str, Main, tuple[str, ...]], ...] = (
    ("hinfo", hinfo.main, ("-p+plist,ptags", "--print-instances", "-vv")),
    ("hinfo", hinfo.main, ("-p", "--static-kvm-node-memory=0")),
    ("hbal", hbal.main, ("-G", "group0", "-l3", "-C", "-p", "-S", "s", "-vvv", "--evac-mode")),
    ("hbal", hbal.main, ("-G", "uuid-0", "-l2", "-Cscript", "--static-kvm-node-memory=700")),
    ("hcheck", hcheck.main, ("--machine-readable",)),
    ("hscan", hscan.main, ()),
    ("hscan", hscan.main, ("-p", "--no-headers", "--static-kvm-node-memory=0")),
)


def unlike(tool: str, main: Main, words: Sequence[str], folder: Path) -> str:
    program = ganeti_program(tool)
    if program is None:
        pytest.skip(f"Ganeti's {tool} is not installed")
    theirs, ours = folder / "ganeti", folder / "ours"
    theirs.mkdir(parents=True)
    ours.mkdir()
    ganeti = run_ganeti(program, words, theirs)
    if "IntMap.!" in ganeti.errors or "maximum: empty" in ganeti.errors:
        return ""  # Ganeti stumbles over instances that span groups, and over groups without instances
    return difference(ganeti, run_ours(main, words, ours))


SEEDS = [range(14), pytest.param(budget.seeds(ci=42, weekly=186), marks=pytest.mark.long)]


@pytest.mark.ganeti
@pytest.mark.parametrize("seeds", SEEDS, ids=["few", "many"])
def test_clusters_from_a_luxid(tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        rng = random.Random(f"luxi {seed}")
        cluster = text.parse(text_case("hbal", seed, 2, 8).text)
        tool, main, words = LINES[seed % len(LINES)]
        path = tmp_path / f"{seed}.socket"
        with luxid(path, over_luxi(cluster, rng)):
            assert not unlike(tool, main, [f"-L{path}", *words], tmp_path / str(seed)), f"{tool}, seed {seed}"


@pytest.mark.ganeti
@pytest.mark.parametrize("seeds", SEEDS, ids=["few", "many"])
def test_clusters_from_a_remote_api(tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        rng = random.Random(f"rapi {seed}")
        cluster = text.parse(text_case("hbal", seed, 2, 8).text)
        tool, main, words = LINES[seed % len(LINES)]
        with serving() as server:
            server.answers = over_rapi(cluster, rng)
            address = f"http://127.0.0.1:{server.server_port}"
            if seed % 3 == 0:
                for path, answer in server.answers.items():
                    name = path.removeprefix("/2/").removesuffix("?bulk=1")
                    (tmp_path / f"{name}.json").write_bytes(answer)
                address = f"file://{tmp_path}"
            source = [address] if tool == "hscan" else ["-m", address]
            assert not unlike(tool, main, [*source, *words], tmp_path / str(seed)), f"{tool}, seed {seed}"


@pytest.mark.ganeti
def test_hscan_reads_several_clusters_and_goes_on_where_one_is_out_of_reach(tmp_path: Path) -> None:
    cluster = text.parse(text_case("hbal", 3, 2, 8).text)
    with serving() as first, serving() as second, serving() as broken:
        first.answers = second.answers = over_rapi(cluster, random.Random(1))
        broken.answers = dict.fromkeys(first.answers, b"nothing")
        names = [f"http://127.0.0.1:{server.server_port}" for server in (first, broken, second)]
        words = [names[0], "http://127.0.0.1:1", *names[1:]]
        theirs, ours = tmp_path / "ganeti", tmp_path / "ours"
        program = ganeti_program("hscan")
        if program is None:
            pytest.skip("Ganeti's hscan is not installed")
        theirs.mkdir()
        ours.mkdir()
        ganeti, mine = run_ganeti(program, words, theirs), run_ours(hscan.main, words, ours)
    reasons = ("Curl error", "Parsing group data", "http://127.0.0.1:1/2", f"{names[1]}, groups: expected")

    def without_reasons(output: str) -> list[str]:
        return [line for line in output.splitlines() if not line.startswith(reasons)]

    assert without_reasons(mine.output) == without_reasons(ganeti.output)
    assert (mine.code, mine.files) == (ganeti.code, ganeti.files)
    assert len(mine.files) == 2


def test_hscan_shows_nodes_without_the_domain_that_all_share(tmp_path: Path) -> None:
    cluster = text.parse("g|u|preferred|\n\nn.example.com|9|0|9|9|9|1|N|u|1\n\n\n")
    with serving() as server:
        server.answers = over_rapi(cluster, random.Random(1))
        outcome = run_ours(hscan.main, ["-pname,fqdn", f"http://127.0.0.1:{server.server_port}"], tmp_path)
    assert " Name Name         \n n    n.example.com\n" in outcome.output
