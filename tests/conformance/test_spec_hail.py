"""The specification of placement against Ganeti's hail: the same answers on shared and on random requests."""

import json
import random
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from spec.allocator.requests import Limits
from tests import budget
from tests.conformance.random_requests import random_request
from tests.conformance.spec_hail import spec_hail
from tests.conftest import GANETI_BIN

HAIL = str(Path(GANETI_BIN).parent / "lib" / "ganeti" / "iallocators" / "hail")


def comparable(text: str) -> str:
    """Return an answer without the internals that Ganeti dumps when no group is left to choose from."""
    return re.sub(r'all groups: \[.*?\](?="\])', "all groups", text.strip())


def answer_of_ganeti(path: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    if not Path(HAIL).exists():
        pytest.skip("Ganeti's hail is not installed")
    return subprocess.run([HAIL, str(path), *words], capture_output=True, text=True, check=False)


def options_of(seed: int) -> tuple[list[str], Limits]:
    rng = random.Random(seed)
    words, capacity, soft = [], rng.random() < 0.8, rng.random() < 0.2
    words += [] if capacity else ["--no-capacity-checks"]
    words += ["--ignore-soft-errors"] if soft else []
    return words, Limits(capacity=capacity, ignore_soft=soft)


def compare(seeds: range, tmp_path: Path) -> Counter[tuple[str, bool]]:
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in seeds:
        request = random_request(seed)
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request))
        words, limits = options_of(seed)
        ganeti = answer_of_ganeti(path, words)
        assert comparable(spec_hail(path.read_bytes(), limits)) == comparable(ganeti.stdout), f"seed {seed} {words}"
        acted = '"success":true' in ganeti.stdout and '"result":[[],' not in ganeti.stdout
        seen[request["request"]["type"], acted] += 1
    return seen


@pytest.mark.ganeti
def test_random_requests(tmp_path: Path) -> None:
    seen = compare(range(120), tmp_path)
    assert sum(count for (_, acted), count in seen.items() if acted) >= 40


@pytest.mark.ganeti
@pytest.mark.long
def test_many_random_requests(tmp_path: Path) -> None:
    wanted = budget.spent(ci=100, weekly=500)
    kinds = {"allocate", "multi-allocate", "relocate", "node-evacuate"}

    def enough(seen: Counter[tuple[str, bool]]) -> bool:
        acted = +Counter({kind: count for (kind, acted), count in seen.items() if acted})
        return acted.total() >= wanted and acted.keys() >= kinds

    budget.compare_until(lambda seeds: compare(seeds, tmp_path), enough, ci=300, weekly=1500)


@pytest.mark.ganeti
@pytest.mark.shared
def test_shared_requests(shared: Path) -> None:
    compared = 0
    for path in sorted((shared / "clusters" / "peer").glob("hail-*.json")):
        ganeti = answer_of_ganeti(path, [])
        if ganeti.returncode == 0:
            assert comparable(spec_hail(path.read_bytes())) == comparable(ganeti.stdout), path.name
            compared += 1
    assert compared >= 17
