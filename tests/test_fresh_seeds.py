"""The runs of CI search from seeds of their own, and print how to repeat them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytestmark = pytest.mark.xdist_group("fresh seeds")
ROOT = Path(__file__).resolve().parents[1]
DRAWS = '''"""Writes what Hypothesis tries first, and the process that tries it."""
import os
from pathlib import Path
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given, settings, strategies as st

@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_draws(name):
    seen = []

    @settings(max_examples=5)
    @given(st.integers(0, 2**64))
    def draw(number):
        seen.append(number)

    draw()
    Path(os.environ["SEEN"], name).write_text(f"{os.environ.get('PYTEST_XDIST_WORKER')} {seen}")
    assert "FAIL" not in os.environ or name != "a"
'''


def run(folder: Path, *options: str, **environment: str) -> tuple[str, set[str], set[str]]:
    """Return a run's output, its processes, and the examples that its tests tried."""
    (folder / "test_draws.py").write_text(DRAWS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    seen = folder / "seen"
    seen.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST", "COV"))}
    plugins = ("xdist.plugin", "_hypothesis_pytestplugin", "tests.fresh_seeds", "no:cacheprovider")
    wanted = [word for plugin in plugins for word in ("-p", plugin)]
    command = [sys.executable, "-m", "pytest", "-q", *wanted, *options]
    given = {"PYTHONPATH": str(ROOT), "SEEN": str(seen), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    done = subprocess.run(command, cwd=folder, env={**kept, **given}, capture_output=True, text=True, check=False)
    assert done.returncode == ("FAIL" in environment), done.stdout + done.stderr
    tried = [path.read_text(encoding="utf-8").split(" ", 1) for path in seen.iterdir()]
    assert len(tried) == 4
    return done.stdout, {worker for worker, _ in tried}, {numbers for _, numbers in tried}


def seeds(output: str) -> list[str]:
    return re.findall(r"seed (\d+); .*: CI=true python -m pytest --hypothesis-seed=\1 TEST", output)


@pytest.fixture(scope="module")
def distributed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str], set[str]]:
    return run(tmp_path_factory.mktemp("distributed"), "-n", "2", CI="true")


def test_a_run_of_ci_draws_one_seed_for_all_its_processes(distributed: tuple[str, set[str], set[str]]) -> None:
    output, workers, tried = distributed
    assert len(seeds(output)) == 1
    assert workers == {"gw0", "gw1"}
    assert len(tried) == 1


def test_the_seed_repeats_the_run(distributed: tuple[str, set[str], set[str]], tmp_path: Path) -> None:
    output, _, tried = distributed
    (seed,) = seeds(output)
    again, _, repeated = run(tmp_path, f"--hypothesis-seed={seed}", CI="true")
    assert (seeds(again), repeated) == ([seed], tried)


def test_the_next_run_draws_another_and_prints_it_again_if_it_fails(
    distributed: tuple[str, set[str], set[str]], tmp_path: Path
) -> None:
    output, _, tried = run(tmp_path, CI="true", FAIL="yes")
    first, second = seeds(output)
    assert first == second != seeds(distributed[0])[0]
    assert output.index(first) < output.index("= FAILURES =") < output.rindex(first)
    assert len(tried) == 1
    assert tried != distributed[2]


def test_elsewhere_hypothesis_has_its_own_way(tmp_path: Path) -> None:
    output, _, tried = run(tmp_path)
    assert "seed" not in output
    assert len(tried) == 4


def test_nothing_asks_how_long_an_example_took() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
