"""The import contracts catch a forbidden import.

Some are planted into a copy of the packages; each is named by its contract. Every import that a contract forbids,
between two layers or between a source and a forbidden module, is planted into the graph of imports.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from itertools import permutations
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "impl", "htools", "checkers", "gantry")

PLANTED: dict[str, dict[str, tuple[str, str]]] = {
    "The specification is pure": {
        "the specification reads a clock": ("spec/plans/model.py", "import time"),
        "the specification knows the implementation": ("spec/plans/model.py", "import impl.paths"),
        "the specification does arithmetic with numpy": ("spec/plans/model.py", "import numpy"),
    },
    "The control plane knows no allocator, checker or command": {
        "the control plane knows the allocator": ("impl/paths.py", "import htools.formatting.numbers"),
        "the control plane knows a checker": ("impl/paths.py", "import checkers.verdict"),
    },
    "The checkers know no command": {
        "traces know gantry's options": ("checkers/traces/jobs.py", "import gantry.options.trace"),
    },
    "The implementation uses the specification's vocabulary only": {
        "the control plane uses the specification's rules": ("impl/paths.py", "import spec.locks.rules"),
    },
    "The allocator reaches the control plane only through the LUXI backend": {
        "the allocator knows a daemon": ("htools/formatting/numbers.py", "import impl.paths"),
        "the allocator knows a checker": ("htools/formatting/numbers.py", "import checkers.verdict"),
    },
    "The specification's layers": {
        "the specification's locks know plans": ("spec/locks/names.py", "import spec.plans.model"),
        "the specification's locks know jobs": ("spec/locks/names.py", "import spec.jobs.model"),
    },
    "The allocator's layers": {
        "the allocator's model knows placement": ("htools/model/node.py", "import htools.placement.outcomes"),
        "balancing knows a backend": ("htools/balance/rounds.py", "import htools.backends.text"),
        "hspace is a library of hbal": ("htools/hbal.py", "import htools.hspace"),
    },
    "The TLA+ checker's layers": {
        "the TLA+ parser knows the search": ("checkers/tla/parse/syntax.py", "import checkers.tla.search.check"),
        "TLA+ values know the parser": ("checkers/tla/values/values.py", "import checkers.tla.parse.syntax"),
    },
    "The checkers' layers": {
        "the models know traces": ("checkers/models/jobs.py", "import checkers.traces.jobs"),
        "exploration knows refinement": ("checkers/exploration/explore.py", "import checkers.refinement.compare"),
    },
    "The control plane's layers": {
        "the queue knows luxid": ("impl/queue/queue.py", "import impl.luxid.context"),
        "a daemon knows its sister": ("impl/wconfd/core.py", "import impl.luxid.context"),
        "the lock core knows a codec": ("impl/locks/core.py", "import impl.wire.framing"),
    },
}
"""Contract → what is planted against it → the file and the import."""

pytestmark = pytest.mark.xdist_group("import contracts")  # they share a run


def copied(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each broken contract says of all planted imports."""
    folder = copied(tmp_path_factory.mktemp("planted"))
    for planted in PLANTED.values():
        for path, line in planted.values():
            with (folder / path).open("a", encoding="utf-8") as file:
                file.write(f"\n\ndef planted() -> None:\n    {line}\n")
    code, output = lint(folder)
    assert code == 1, output
    parts = re.split(r"^(\S.*)\n-+\n", output.partition("Broken contracts\n")[2], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_code_as_it_is_keeps_the_contracts(tmp_path: Path) -> None:
    code, output = lint(copied(tmp_path))
    assert code == 0, output
    assert "0 broken" in output


def test_something_is_planted_against_each_contract(said: dict[str, str]) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}
    assert said.keys() == PLANTED.keys() == contracts


@pytest.mark.parametrize(
    ("contract", "name"), [(contract, name) for contract, planted in PLANTED.items() for name in planted]
)
def test_a_planted_import_is_found(said: dict[str, str], contract: str, name: str) -> None:
    path, line = PLANTED[contract][name]
    module, imported = path.removesuffix(".py").replace("/", "."), line.removeprefix("import ")
    assert re.search(rf"^- +{re.escape(f'{module} -> {imported}')} \(l", said[contract], re.MULTILINE)


CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
CONTRACTS: dict[str, dict[str, Any]] = {options["name"]: options for options in CONFIGURATION["contracts_options"]}
KINDS: dict[str, type[Contract]] = {"forbidden": ForbiddenContract, "layers": LayersContract}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def forbidden(options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Importer and imported module of every import that a contract forbids."""
    if options["type"] == "forbidden":
        yield from ((source, other) for source in options["source_modules"] for other in options["forbidden_modules"])
        return
    rank = {name.strip(): at for at, layer in enumerate(options["layers"]) for name in layer.split("|")}
    for container in options["containers"]:
        for one, other in permutations(rank, 2):
            if rank[one] >= rank[other]:  # below it, or beside it
                yield f"{container}.{one}", f"{container}.{other}"


def is_kept(name: str, graph: grimp.ImportGraph) -> bool:
    options = {key: value for key, value in CONTRACTS[name].items() if key not in {"name", "type"}}
    contract = KINDS[CONTRACTS[name]["type"]](name, CONFIGURATION["session_options"], options)
    return contract.check(deepcopy(graph), verbose=False).kept


def plant(graph: grimp.ImportGraph, importer: str, imported: str) -> grimp.ImportGraph:
    planted = deepcopy(graph)
    if imported not in planted.modules:
        planted.add_module(imported, is_squashed=True)
    planted.add_import(importer=importer, imported=imported)
    return planted


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_import_that_a_contract_forbids_is_found(name: str, graph: grimp.ImportGraph) -> None:
    assert is_kept(name, graph)
    edges = list(forbidden(CONTRACTS[name]))
    assert edges
    assert [edge for edge in edges if is_kept(name, plant(graph, *edge))] == []


def test_an_import_that_no_contract_forbids_is_kept(graph: grimp.ImportGraph) -> None:
    """Or the check above could find anything."""
    for options in CONTRACTS.values():
        edges = set(forbidden(options))
        allowed = [(imported, importer) for importer, imported in edges if (imported, importer) not in edges]
        if options["type"] == "layers":
            assert allowed
            assert is_kept(options["name"], plant(graph, *allowed[0]))


def test_every_package_is_forbidden_somewhere() -> None:
    """All but `spec`, the lowest of all, and the parts of `gantry`, the highest."""
    found = {imported for options in CONTRACTS.values() for _, imported in forbidden(options)}
    parts = {f"{path.parent.parent.name}.{path.parent.name}" for path in ROOT.glob("*/*/__init__.py")}
    inner = {part for part in parts if part.partition(".")[0] in set(PACKAGES) - {"gantry"}}
    assert (set(PACKAGES) - {"spec"} | inner) - found == set()
