"""hspace and hsqueeze against Ganeti's on random clusters and on all shared ones: streams, files, exit codes."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from htools import hspace, hsqueeze
from tests import budget
from tests.conformance.programs import difference, run_ganeti, run_ours
from tests.conformance.random_clusters import random_cluster
from tests.conftest import ganeti_program
from tests.htools.balance.test_class_search import shared_cluster
from tests.htools.maintenance.test_squeeze import NO_LIVE_DATA, one_after_another


def program(name: str) -> str:
    found = ganeti_program(name)
    if found is None:
        pytest.skip(f"Ganeti's {name} is not installed")
    return found


def space_words(seed: int) -> list[str]:
    rng = random.Random(seed)
    words = ["-l", str(rng.choice([1, 3, 6, 15]))] if rng.random() < 0.6 else []
    for option, odds in (
        ("--machine-readable", 0.4),
        ("--independent-groups", 0.2),
        ("--accept-existing-errors", 0.25),
        ("--no-capacity-checks", 0.2),
        ("-v", 0.2),
        ("-p", 0.1),
        ("-Sstate", 0.1),
        ("-Onode1", 0.05),
        (f"--disk-template={rng.choice(['drbd', 'plain', 'ext', 'file'])}", 0.5),
        ("--max-cpu=1.5", 0.1),
        ("--min-disk=0.2", 0.1),
        ("--spindle-use=2", 0.1),
        ("--standard-alloc=512,512,1", 0.2),
        ("--tiered-alloc=1024,2048,2", 0.3),
    ):
        if rng.random() < odds:
            words.append(option)
    return words


def squeeze_words(seed: int) -> list[str]:
    """Options of one seed; few of them are wrong."""
    rng = random.Random(seed)
    words = [f"--minimal-resources={rng.choice(['0', '0.5', '1', '2', '3', '.25', '1e1', '-1', 'NaN', '-1e30'])}"]
    words += [f"--target-resources={rng.choice(['0', '0.5', '1', '1.75', '0.1', '4', 'Infinity', '-1e17'])}"]
    words = [rng.choice([word, word, word.replace("-resources", "")]) for word in words if rng.random() < 0.9]
    for choice, odds in (
        (["-C"], 0.4),
        (["-Cscript"], 0.2),
        (["-v"], 0.2),
        (["-v", "-v"], 0.3),
        (["-Sstate"], 0.4),
        (["--no-headers"], 0.2),
        (["--static-kvm-node-memory=512"], 0.1),
        (["-X"], 0.04),
        (["extra"], 0.02),
        (["--exe", "--no-such"], 0.01),
    ):
        if rng.random() < odds:
            words += choice
    rng.shuffle(words)
    return words


def squeeze_cluster(seed: int) -> str:
    """Mostly shared storage with standby nodes; also tight and odd clusters, and such with mirrored instances."""
    if seed % 10 == 9:
        return random_cluster(seed)
    return shared_cluster(seed) if seed % 5 == 3 else random_cluster(seed, squeeze=True)


def directories(tmp_path: Path, seed: int, text: str) -> tuple[Path, Path]:
    theirs, ours = tmp_path / f"ganeti{seed}", tmp_path / f"ours{seed}"
    for directory in (theirs, ours):
        directory.mkdir()
        (directory / "cluster.data").write_text(text)
    return theirs, ours


def compare_space(seeds: range, tmp_path: Path) -> Counter[bool]:
    seen: Counter[bool] = Counter()
    for seed in seeds:
        theirs, ours = directories(tmp_path, seed, random_cluster(seed))
        words = ["-t", "cluster.data", *space_words(seed)]
        ganeti = run_ganeti(program("hspace"), words, theirs)
        if "Prelude.head" in ganeti.errors:
            continue  # Ganeti stumbles where it could try nothing at all
        found = run_ours(hspace.main, words, ours)
        assert not difference(ganeti, found), f"seed {seed}: hspace {' '.join(words)}\n{difference(ganeti, found)}"
        placed = "  -   0 instances allocated" not in ganeti.output and "ALLOC_INSTANCES=0" not in ganeti.output
        seen[placed and ganeti.code == 0] += 1
    return seen


def compare_squeeze(seeds: range, tmp_path: Path) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        theirs, ours = directories(tmp_path, seed, squeeze_cluster(seed))
        words = ["-t", "cluster.data", *squeeze_words(seed)]
        ganeti = run_ganeti(program("hsqueeze"), words, theirs)
        found = run_ours(hsqueeze.main, words, ours)
        assert not difference(ganeti, found), f"seed {seed}: hsqueeze {' '.join(words)}\n{difference(ganeti, found)}"
        acted = [line for line in ganeti.output.splitlines() if re.fullmatch(r"n(ode)?\d", line)]
        seen["act" if acted else "rest"] += 1
    return seen


@pytest.mark.ganeti
def test_hspace_on_random_clusters(tmp_path: Path) -> None:
    assert compare_space(range(40), tmp_path)[True] >= 12


@pytest.mark.ganeti
@pytest.mark.long
def test_hspace_on_many_random_clusters(tmp_path: Path) -> None:
    count = budget.spent(ci=100, weekly=520)
    budget.compare_until(
        lambda seeds: compare_space(seeds, tmp_path),
        lambda seen: seen.total() >= count * 25 // 26 and seen[True] >= count // 3,
        ci=100,
        weekly=520,
    )


def imagined_words(seed: int) -> list[str]:
    """Simulated clusters of up to three groups, and options by abbreviations, several times and in other notations."""
    rng = random.Random(seed)
    words = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        policy = rng.choice(["p", "p", "p", "preferred", "last_resort", "a", "u"])
        sizes = f"{rng.choice([5000, 8192, '20g', '1t'])},{rng.choice([2048, 4096, '8g'])},{rng.choice([2, 4, 8])}"
        end = rng.choice(["", "", ",1", ",4", ",4,True", ",2,False"])
        words.append(f"--simulate={policy},{rng.randint(1, 6)},{sizes}{end}")
    if rng.random() < 0.99:  # from the default largest instance on, Ganeti needs seconds
        words.append(f"--tiered={rng.choice(['3g,4g,4,3', '1024,2048,2', '9g,2g,8'])}")
    for option, odds in (
        (f"--max-length={rng.choice([1, 2, 5, 20])}", 0.6),
        ("--mach", 0.2),
        ("--machine-readable=no", 0.1),
        ("--indep", 0.2),
        ("--accept", 0.2),
        ("--no-cap", 0.2),
        ("-v", 0.3),
        ("-v", 0.3),
        ("-vv", 0.2),
        ("-q", 0.1),
        ("-pname,pfmem,fdsk,pcpu", 0.1),
        ("--print-nodes=+peermap", 0.1),
        ("--save=out", 0.1),
        ("-Onode-01-001", 0.1),
        ("-Onobody", 0.03),
        (f"--disk={rng.choice(['drbd', 'plain', 'ext', 'rbd', 'diskless', 'blockdev', 'none'])}", 0.7),
        ("--standard-alloc=1g,300,2", 0.2),
        ("--standard-alloc=512,512,1,2", 0.1),
        ("--tiered=1024,2048", 0.03),
        ("--max-cpu=0.5", 0.1),
    ):
        if rng.random() < odds:
            words.append(option)
    return words


def compare_imagined(seeds: range, tmp_path: Path) -> Counter[bool]:
    seen: Counter[bool] = Counter()
    for seed in seeds:
        words = imagined_words(seed)
        theirs, ours = directories(tmp_path, seed, "")
        ganeti = run_ganeti(program("hspace"), words, theirs)
        found = run_ours(hspace.main, words, ours)
        assert not difference(ganeti, found), f"seed {seed}: hspace {' '.join(words)}\n{difference(ganeti, found)}"
        none = "  -   0 instances allocated" in ganeti.output or "ALLOC_INSTANCES=0" in ganeti.output
        seen[ganeti.code == 0 and not none] += 1
    return seen


@pytest.mark.ganeti
def test_hspace_on_imagined_clusters(tmp_path: Path) -> None:
    assert compare_imagined(range(15), tmp_path)[True] >= 5


@pytest.mark.ganeti
@pytest.mark.long
def test_hspace_on_many_imagined_clusters(tmp_path: Path) -> None:
    count = budget.spent(ci=30, weekly=150)
    budget.compare_until(
        lambda seeds: compare_imagined(seeds, tmp_path), lambda seen: seen[True] >= count // 3, ci=30, weekly=150
    )


@pytest.mark.ganeti
def test_hsqueeze_on_random_clusters(tmp_path: Path) -> None:
    assert compare_squeeze(range(40), tmp_path)["act"] >= 12


@pytest.mark.ganeti
@pytest.mark.long
def test_hsqueeze_on_many_random_clusters(tmp_path: Path) -> None:
    count = budget.spent(ci=80, weekly=310)
    budget.compare_until(
        lambda seeds: compare_squeeze(seeds, tmp_path), lambda seen: seen["act"] >= count // 3, ci=80, weekly=310
    )


NOTHING_FITS = {"hbal-soft-errors.data", "hbal-soft-errors2.data"}
"""Clusters on which all sizes are tried in vain; from the default largest on that are more than 100,000."""
SMALLER = ["--tiered-alloc=4096,8192,4"]


@pytest.mark.ganeti
@pytest.mark.shared
@pytest.mark.long
@pytest.mark.parametrize(
    "flags", [["-l", "12"], ["--machine-readable", "-l", "6", "--independent-groups"]], ids=" ".join
)
def test_hspace_on_shared_clusters(shared: Path, tmp_path: Path, flags: list[str]) -> None:
    compared = 0
    for path in sorted((shared / "clusters" / "peer").glob("*.data")):
        smaller = SMALLER if path.name in NOTHING_FITS and not budget.is_weekly() else []
        words = ["-t", str(path), *flags, *smaller]
        ganeti = run_ganeti(program("hspace"), words, tmp_path)
        if "Prelude.head" not in ganeti.errors and "IntMap.!" not in ganeti.errors:
            assert not difference(ganeti, run_ours(hspace.main, words, tmp_path)), path.name
            compared += 1
    assert compared > 20


@pytest.mark.ganeti
@pytest.mark.shared
@pytest.mark.long
def test_hspace_on_shared_requests(shared: Path, tmp_path: Path) -> None:
    paths = sorted((shared / "clusters" / "peer").glob("hail-*.json"))
    for path in paths:  # in some of them nothing fits from the largest of thousands of sizes on
        words = ["-I", str(path), "-l", "3"]
        ganeti = run_ganeti(program("hspace"), words, tmp_path)
        assert not difference(ganeti, run_ours(hspace.main, words, tmp_path)), path.name
    assert len(paths) > 15


@pytest.mark.ganeti
@pytest.mark.shared
@pytest.mark.parametrize(
    "flags",
    [
        ["-C", "-v"],
        ["--minimal-resources=5", "--target-resources=0.5"],
        ["--minimal-resources=NaN"],
        ["--minimal-resources=-1e30", "--target-resources=Infinity"],
    ],
    ids=" ".join,
)
def test_hsqueeze_on_shared_clusters(shared: Path, tmp_path: Path, flags: list[str]) -> None:
    paths = sorted((shared / "clusters" / "peer").glob("hsqueeze*.data"))
    assert paths
    for path in paths:
        words = ["-t", str(path), *flags]
        ganeti = run_ganeti(program("hsqueeze"), words, tmp_path)
        assert not difference(ganeti, run_ours(hsqueeze.main, words, tmp_path)), path.name


@pytest.mark.ganeti
def test_hsqueeze_on_the_smallest_clusters(tmp_path: Path) -> None:
    """What docs/conformance.md says of Ganeti: run again, one more node goes; unknown nodes lack room."""
    words = ["-t", "cluster.data", "--minimal-resources=0.5", "--target-resources=1.5", "-C"]
    said = []
    for number, cluster in enumerate([*(case.text() for case in one_after_another()), NO_LIVE_DATA]):
        theirs, ours = directories(tmp_path, number, cluster)
        ganeti = run_ganeti(program("hsqueeze"), words, theirs)
        assert not difference(ganeti, run_ours(hsqueeze.main, words, ours))
        said.append(ganeti.output.splitlines()[:2])
    assert said[:2] == [["'Nodes to offline'", "n0"], ["'Nodes to offline'", "n1"]]
    assert said[2][0] == "'No action'"
    assert said[3] == ["'Nodes to online'", ""]


def test_nothing_to_do_is_silent_when_asked(tmp_path: Path) -> None:
    (tmp_path / "cluster.data").write_text(random_cluster(3, squeeze=True))
    words = ["-q", "-t", "cluster.data", "--minimal-resources=0", "--target-resources=1000"]
    outcome = run_ours(hsqueeze.main, words, tmp_path)
    assert (outcome.code, outcome.output, outcome.errors) == (0, "", "")
