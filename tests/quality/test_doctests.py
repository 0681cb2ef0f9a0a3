"""The examples in docstrings are right, and every core begins with one."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "impl", "htools", "checkers", "gantry")

CORES = (
    "spec.locks.rules",
    "spec.jobs.queue",
    "spec.jobs.life",
    "spec.store",
    "spec.reservations",
    "spec.allocator.score",
    "spec.allocator.moves",
    "spec.allocator.balance",
    "spec.allocator.placement",
    "spec.allocator.capacity",
    "spec.allocator.evacuation",
    "spec.allocator.squeeze",
    "spec.allocator.iallocator",
    "spec.plans.safety",
    "checkers.exploration.explore",
    "checkers.plans.audit",
    "checkers.tla.api",
    "htools.model.node",
    "htools.model.moves",
    "htools.model.score",
    "htools.balance.rounds",
    "htools.placement.vector_placer",
    "impl.locks.core",
    "impl.queue.queue",
    "impl.queue.filters",
    "impl.job.life",
    "impl.config.model",
    "impl.config.reservations",
    "impl.wconfd.core",
    "impl.wire.framing",
)
"""The modules whose docstring must open with an example that a newcomer can run."""


def modules_with_examples() -> list[str]:
    """List the names of all modules with a prompt in their text."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if ">>> " in path.read_text("utf-8"):
                found.append(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    return found


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_hold(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0, "a prompt that is in no docstring"
    assert outcome.failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", CORES)
def test_a_core_opens_with_an_example(name: str) -> None:
    examples = doctest.DocTestParser().get_examples(importlib.import_module(name).__doc__ or "")
    assert len(examples) >= 4
    assert any(example.want for example in examples), "it shows no result"


def test_a_wrong_example_is_found() -> None:
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed == 1
