"""The configurations of the project's TLA+ modules, and what each says that checking it must find."""

from dataclasses import dataclass
from pathlib import Path

from checkers.tla import load
from checkers.tla.search.check import Outcome, check
from checkers.tla.search.state_graph import Options

DIRECTORY = Path(__file__).resolve().parents[2] / "tla"


@dataclass(frozen=True)
class Configuration:
    """A configuration file with what its first line expects: `ok`, `invariant NAME` or `property NAME`."""

    path: Path
    expected: str

    @property
    def module(self) -> str:
        """The file of the module that it is for."""
        stem = self.path.name.partition(".")[0]
        bounded = DIRECTORY / f"MC{stem}.tla"
        return str(bounded if bounded.exists() else DIRECTORY / f"{stem}.tla")

    @property
    def weekly(self) -> bool:
        """Whether it takes minutes."""
        return ".weekly" in self.path.name


def configurations() -> list[Configuration]:
    """Return all of them, in the order of their names."""
    found = []
    for path in sorted(DIRECTORY.glob("*.cfg")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        expected = first.removeprefix("\\* expect: ")
        assert expected != first, f"{path.name} does not begin with what it expects"
        found.append(Configuration(path, expected))
    return found


def outcome_of(configuration: Configuration, module: str | None = None) -> Outcome:
    """Return the module checked under a configuration; deadlock is no fault in these models."""
    specification = load(module or configuration.module)
    return check(specification.model(str(configuration.path)), Options(check_deadlock=False))


def verdict_text(outcome: Outcome) -> str:
    """Return a verdict in the words of `expected`."""
    if outcome.verdict == "ok":
        return "ok"
    name = outcome.violations[0].name
    return f"{'invariant' if outcome.verdict == 'invariant' else 'property'} {name}"
