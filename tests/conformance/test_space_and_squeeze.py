"""hspace and hsqueeze against the real ones on random clusters and on all shared ones: streams, files, exit codes."""

import random
from collections import Counter
from pathlib import Path

import pytest

from htools import hspace, hsqueeze
from tests.conformance.programs import difference, run_ours, run_peer
from tests.conformance.random_clusters import random_cluster
from tests.conftest import peer_program


def program(name: str) -> str:
    found = peer_program(name)
    if found is None:
        pytest.skip(f"no real {name} on this machine")
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
    rng = random.Random(seed)
    words = [f"--minimal-resources={rng.choice([0, 0.5, 1, 2, 3])}", f"--target-resources={rng.choice([0, 0.5, 1])}"]
    words += rng.choice([["-C"], ["-v"], ["-Cscript", "-Sstate"], ["--no-headers"]])
    return words


def directories(tmp_path: Path, seed: int, text: str) -> tuple[Path, Path]:
    theirs, ours = tmp_path / f"peer{seed}", tmp_path / f"ours{seed}"
    for directory in (theirs, ours):
        directory.mkdir()
        (directory / "cluster.data").write_text(text)
    return theirs, ours


def compare_space(seeds: range, tmp_path: Path) -> Counter[bool]:
    seen: Counter[bool] = Counter()
    for seed in seeds:
        theirs, ours = directories(tmp_path, seed, random_cluster(seed))
        words = ["-t", "cluster.data", *space_words(seed)]
        peer = run_peer(program("hspace"), words, theirs)
        if "Prelude.head" in peer.errors:
            continue  # the real one stumbles where it could try nothing at all
        found = run_ours(hspace.main, words, ours)
        assert not difference(peer, found), f"seed {seed}: hspace {' '.join(words)}\n{difference(peer, found)}"
        placed = "  -   0 instances allocated" not in peer.output and "ALLOC_INSTANCES=0" not in peer.output
        seen[placed and peer.code == 0] += 1
    return seen


def compare_squeeze(seeds: range, tmp_path: Path) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in seeds:
        theirs, ours = directories(tmp_path, seed, random_cluster(seed, squeeze=True))
        words = ["-t", "cluster.data", *squeeze_words(seed)]
        peer = run_peer(program("hsqueeze"), words, theirs)
        found = run_ours(hsqueeze.main, words, ours)
        assert not difference(peer, found), f"seed {seed}: hsqueeze {' '.join(words)}\n{difference(peer, found)}"
        acted = [line for line in peer.output.splitlines() if line.startswith("node")]
        seen["act" if acted else "rest"] += 1
    return seen


@pytest.mark.peer
def test_hspace_on_random_clusters(tmp_path: Path) -> None:
    assert compare_space(range(40), tmp_path)[True] >= 12


@pytest.mark.peer
@pytest.mark.long
def test_hspace_on_many_random_clusters(tmp_path: Path) -> None:
    seen = compare_space(range(1000, 1520), tmp_path)
    assert seen.total() >= 500
    assert seen[True] >= seen.total() // 3


@pytest.mark.peer
def test_hsqueeze_on_random_clusters(tmp_path: Path) -> None:
    assert compare_squeeze(range(40), tmp_path)["act"] >= 12


@pytest.mark.peer
@pytest.mark.long
def test_hsqueeze_on_many_random_clusters(tmp_path: Path) -> None:
    seen = compare_squeeze(range(1000, 1310), tmp_path)
    assert seen["act"] >= seen.total() // 3


@pytest.mark.peer
@pytest.mark.shared
@pytest.mark.long
@pytest.mark.parametrize(
    "flags", [["-l", "12"], ["--machine-readable", "-l", "6", "--independent-groups"]], ids=" ".join
)
def test_hspace_on_shared_clusters(shared: Path, tmp_path: Path, flags: list[str]) -> None:
    compared = 0
    for path in sorted((shared / "clusters" / "peer").glob("*.data")):
        words = ["-t", str(path), *flags]
        peer = run_peer(program("hspace"), words, tmp_path)
        if "Prelude.head" not in peer.errors and "IntMap.!" not in peer.errors:
            assert not difference(peer, run_ours(hspace.main, words, tmp_path)), path.name
            compared += 1
    assert compared > 20


@pytest.mark.peer
@pytest.mark.shared
@pytest.mark.parametrize("flags", [["-C", "-v"], ["--minimal-resources=5", "--target-resources=0.5"]], ids=" ".join)
def test_hsqueeze_on_shared_clusters(shared: Path, tmp_path: Path, flags: list[str]) -> None:
    paths = sorted((shared / "clusters" / "peer").glob("hsqueeze*.data"))
    assert paths
    for path in paths:
        words = ["-t", str(path), *flags]
        peer = run_peer(program("hsqueeze"), words, tmp_path)
        assert not difference(peer, run_ours(hsqueeze.main, words, tmp_path)), path.name


def test_nothing_to_do_is_silent_when_asked(tmp_path: Path) -> None:
    (tmp_path / "cluster.data").write_text(random_cluster(3, squeeze=True))
    words = ["-q", "-t", "cluster.data", "--minimal-resources=0", "--target-resources=1000"]
    outcome = run_ours(hsqueeze.main, words, tmp_path)
    assert (outcome.code, outcome.output, outcome.errors) == (0, "", "")
