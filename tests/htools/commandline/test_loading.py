"""Clusters in iallocator requests, which all tools but hail read twice: the accounts, and what depends on them."""

import json
from pathlib import Path

import pytest

from htools.backends import iallocator
from htools.commandline import loading
from htools.commandline.tool import Options
from htools.placement import redundancy as placement_redundancy
from spec.allocator import redundancy
from spec.allocator.initial import initial_state
from tests.conformance.random_requests import random_request
from tests.htools.model.test_cluster import assert_same

SEEDS = range(30)


def write_requests(folder: Path) -> list[Path]:
    paths = [folder / f"{seed}.json" for seed in SEEDS]
    for seed, path in zip(SEEDS, paths, strict=True):
        path.write_text(json.dumps(random_request(seed)))
    return paths


def disagreement(path: Path) -> str | None:
    """What the loaded model and the definition do not agree about."""
    model = loading.load(Options(ialloc_source=str(path), verbose=0, static_kvm_node_memory=0)).model
    cluster = iallocator.load(str(path))
    defined = initial_state(cluster, earlier=initial_state(cluster))
    try:
        assert_same(model, defined)
    except AssertionError:
        return "accounts"
    for index, node in model.nodes.items():
        if placement_redundancy.evacuable(model, cluster.groups, node) != redundancy.evacuable(defined, index):
            return f"redundancy of {node.name}"
    return None


def test_requests_are_read_twice(tmp_path: Path) -> None:
    paths = write_requests(tmp_path)
    assert [disagreement(path) for path in paths] == [None] * len(paths)


def test_first_warnings_are_of_the_first_reading(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They come however quiet the program is, since the request is what is complained about."""
    seen = []
    for verbose in (0, 1):
        for path in write_requests(tmp_path):
            loading.load(Options(ialloc_source=str(path), verbose=verbose))
            seen.append(capsys.readouterr().err.count("Warning: cluster has inconsistent data:"))
    assert set(seen[: len(SEEDS)]) == {0, 1}
    assert set(seen[len(SEEDS) :]) >= {0, 2}
