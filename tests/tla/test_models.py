"""Every configuration of the project's TLA+ modules has the verdict that it states, found by our own checker."""

import pytest

from tests.tla.configurations import Configuration, configurations, outcome_of, verdict_text

ALL = configurations()
SHORT = [entry for entry in ALL if not entry.weekly and ".refine" not in entry.path.name]
SECONDS = {
    "Locks.steps.cfg", "Locks.live.cfg", "Locks.steps.levels.cfg", "Locks.fair.priorities.cfg", "Locks.fair.less.cfg",
    "Jobs.archive.cfg", "Jobs.slots.cfg", "Jobs.live.cfg", "Jobs.priorities.cfg", "Jobs.reach.NeverObeyed.cfg",
    "Jobs.reach.NeverARestartWithRunning.cfg", "Locks.levels.cfg", "Jobs.cancel.cfg", "Jobs.opcodes.cfg",
    "Jobs.reach.NeverArchivedAndDependedOn.cfg", "Jobs.reach.NeverDeadBetweenOpcodes.cfg",
}  # fmt: skip
"""Those that take several seconds."""
WEEKLY = [entry for entry in ALL if entry.weekly and ".refine" not in entry.path.name]


@pytest.mark.parametrize(
    "configuration",
    [
        pytest.param(entry, id=entry.path.stem, marks=[pytest.mark.long] if entry.path.name in SECONDS else [])
        for entry in SHORT
    ],
)
def test_short_configurations(configuration: Configuration) -> None:
    outcome = outcome_of(configuration)
    assert verdict_text(outcome) == configuration.expected


@pytest.mark.weekly
@pytest.mark.timeout(36000)
@pytest.mark.parametrize("configuration", WEEKLY, ids=lambda entry: entry.path.stem)
def test_weekly_configurations(configuration: Configuration) -> None:
    outcome = outcome_of(configuration)
    assert verdict_text(outcome) == configuration.expected


def test_there_is_a_configuration_of_each_sort() -> None:
    for stem in ("Locks", "Store", "Jobs"):
        mine = [entry for entry in ALL if entry.path.name.startswith(stem + ".")]
        assert any(entry.expected == "ok" for entry in mine)
        assert any(".reach." in entry.path.name and entry.expected.startswith("invariant Never") for entry in mine)
        assert any(".refine" in entry.path.name for entry in mine)
        assert any(entry.weekly for entry in mine)


def test_every_property_is_checked_and_every_reachability_shown() -> None:
    """A property that stands in a module and in no configuration is a claim that nobody checks."""
    texts = {entry.path.name: entry.path.read_text(encoding="utf-8") for entry in ALL}
    for stem in ("Locks", "Store", "Jobs"):
        module = (ALL[0].path.parent / f"{stem}.tla").read_text(encoding="utf-8")
        properties = module.partition("What must hold")[2] or module.partition("Prefix(s, t) ==")[2]
        named = [
            line.partition(" ==")[0]
            for line in properties.splitlines()
            if " ==" in line and line[0].isupper() and "(" not in line.partition(" ==")[0]
        ]
        checked = " ".join(text for name, text in texts.items() if name.startswith(stem + "."))
        words = set(checked.split())
        missing = [name for name in named if name not in words and name not in {"Places", "Statuses"}]
        assert not missing, f"{stem}: {missing}"
