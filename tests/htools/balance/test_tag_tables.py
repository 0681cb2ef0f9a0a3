"""Exclusion tags in places count over the whole cluster: a move changes the scores of candidates on other nodes."""

import random

import numpy as np
import pytest

from htools.backends import text
from htools.balance import vector_search as engine_module
from htools.balance.tag_tables import TagTables
from htools.balance.vector_search import Engine
from htools.model.cluster import Model
from htools.model.moves import Moved, attempt
from spec.allocator.decisions import Rules, Settings

SEEDS = (1, 2, 3, 26)
"""Chosen so that the planted bug shows on one of them."""


def model_of(seed: int) -> Model:
    """Make twelve nodes in three racks, unevenly used, and mirrored instances that tags keep apart: three of each."""
    rng = random.Random(seed)
    nodes = "".join(
        f"n{at}|65536|{rng.randrange(20000)}|32768|999999|{rng.randrange(300000, 900000)}|16|{'N' if at else 'M'}|u|1"
        f"|rack:{at % 3}|N|0|1|1.0\n"
        for at in range(12)
    )
    instances = ""
    for number in range(24):
        primary = rng.randrange(12)
        secondary = (primary + rng.randrange(1, 12)) % 12
        instances += f"i{number}|1024|1024|1|running|Y|n{primary}|n{secondary}|drbd|svc:{number % 8}|1|-|N\n"
    tags = "htools:iextags:svc\nhtools:nlocation:rack\n"
    return Model.of(text.parse(f"g|u|preferred||\n\n{nodes}\n{instances}\n{tags}\n"), Settings())


def bounds_hold(seed: int) -> bool:
    """Return whether on a walk of moves no row's lower bound ever exceeds the score of one of its candidates."""
    rng, model, rules = random.Random(seed), model_of(seed), Rules(ignore_soft=True)
    engine = Engine(model, rules)
    engine.best(np.inf)
    for _ in range(8):
        moved = attempt(model, rng.choice(engine.promising(20)), ignore_soft=True)
        assert isinstance(moved, Moved)
        engine.commit(moved)
        fresh = Engine(model, rules)
        fresh.best(np.inf)
        fresh.promising(1)
        if (engine._bound > fresh._upper + 1e-12).any():
            return False
    return True


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PAIRS_WITHOUT_BOUNDS", 0)


def test_what_is_kept_between_rounds_stays_a_bound() -> None:
    assert all(bounds_hold(seed) for seed in SEEDS)


def test_forgetting_what_changes_from_afar_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TagTables, "touched_from_afar", lambda _: None)
    assert not all(bounds_hold(seed) for seed in SEEDS)
