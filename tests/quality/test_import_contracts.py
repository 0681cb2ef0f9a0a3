"""The import contracts catch a forbidden import: planted into a copy of the packages, one at a time."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "impl", "htools", "checkers", "gantry")

PLANTED = {
    "the specification reads a clock": ("spec/plans/model.py", "import time"),
    "the specification knows the implementation": ("spec/plans/model.py", "import impl.paths"),
    "the specification does arithmetic with numpy": ("spec/plans/model.py", "import numpy"),
    "the control plane knows the allocator": ("impl/paths.py", "import htools.formatting.numbers"),
    "the control plane knows a checker": ("impl/paths.py", "import checkers.verdict"),
    "the control plane uses the specification's rules": ("impl/paths.py", "import spec.locks.rules"),
    "the allocator knows a daemon": ("htools/formatting/numbers.py", "import impl.paths"),
    "the allocator knows a checker": ("htools/formatting/numbers.py", "import checkers.verdict"),
    "the specification's locks know plans": ("spec/locks/names.py", "import spec.plans.model"),
    "the specification's locks know jobs": ("spec/locks/names.py", "import spec.jobs.model"),
    "the allocator's model knows placement": ("htools/model/node.py", "import htools.placement.outcomes"),
    "balancing knows a backend": ("htools/balance/rounds.py", "import htools.backends.text"),
    "hspace is a library of hbal": ("htools/hbal.py", "import htools.hspace"),
    "the TLA+ parser knows the search": ("checkers/tla/parse/syntax.py", "import checkers.tla.search.check"),
    "TLA+ values know the parser": ("checkers/tla/values/values.py", "import checkers.tla.parse.syntax"),
    "the models know traces": ("checkers/models/jobs.py", "import checkers.traces.jobs"),
    "exploration knows refinement": ("checkers/exploration/explore.py", "import checkers.refinement.compare"),
    "the queue knows luxid": ("impl/queue/queue.py", "import impl.luxid.context"),
    "a daemon knows its sister": ("impl/wconfd/core.py", "import impl.luxid.context"),
    "the lock core knows a codec": ("impl/locks/core.py", "import impl.wire.framing"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_code_as_it_is_keeps_the_contracts(copy: Path) -> None:
    code, said = lint(copy)
    assert code == 0, said
    assert "0 broken" in said


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_import_is_found(copy: Path, name: str) -> None:
    path, line = PLANTED[name]
    file = copy / path
    before = file.read_text("utf-8")
    file.write_text(before + f"\n\ndef planted() -> None:\n    {line}\n", "utf-8")
    try:
        code, said = lint(copy)
    finally:
        file.write_text(before, "utf-8")
    assert code == 1, said
    assert "1 broken" in said
    assert path.removesuffix(".py").replace("/", ".") in said
