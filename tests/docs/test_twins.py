"""The table of twins, `docs/twins.toml`, agrees with the modules, their names and their docstrings."""

import pytest

from docs.generator.sources import read_packages
from docs.generator.twins import TABLE, Twins, problems, read_twins, table

TEXT = TABLE.read_text("utf-8")
MODULES = read_packages()

PLANTED = {
    "a module that is not listed": ('spec = "spec.store"', 'spec = "spec.stores"', 3),
    "a fast module that does not exist": ('"htools.model.score"', '"htools.model.scores"', 2),
    "a twin that does not name its specification": ('fast = ["impl.job.life"]', 'fast = ["impl.queue.files"]', 2),
    "a module listed twice": ('spec = "spec.version"', 'spec = "spec.errors"', 3),
    "neither twin nor reason": ('why = "the cluster of the examples"', "", 1),
    "a namesake that is not listed": ('other = "htools.backends.iallocator"', 'other = "htools.backends.text"', 2),
}


def test_the_table_agrees_with_the_code() -> None:
    assert list(problems(read_twins(TEXT), MODULES)) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_table_is_found(name: str) -> None:
    old, new, count = PLANTED[name]
    assert TEXT.count(old) == 1
    assert len(list(problems(read_twins(TEXT.replace(old, new)), MODULES))) == count


def test_every_package_says_what_is_fast_and_whether_it_has_a_twin() -> None:
    packages = [name for name, module in MODULES.items() if module.is_package and name.startswith(("impl.", "htools."))]
    assert len(packages) > 20
    texts = {name: MODULES[name].doc.lower() for name in (*packages, "checkers.plans")}
    assert [name for name, text in texts.items() if "twin" not in text or "fast" not in text] == []


def test_the_table_is_shown() -> None:
    text = table("architecture/index.md")
    twins: Twins = read_twins(TEXT)
    assert all(f"`{twin.spec}`" in text for twin in twins.twins)
    assert "| [`spec.jobs.life`](../specification/jobs/life.md) | `impl.job.life` |" in text
    assert "* `htools.backends.iallocator` reads requests" in text
