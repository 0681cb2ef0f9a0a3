"""The vocabulary of decisions: which gain of a round suffices, and the names that Ganeti prints."""

import pytest

from spec.allocator.decisions import FailMode, Move, MoveKind, Rules, Settings


@pytest.mark.parametrize(
    ("before", "after", "enough"),
    [
        (1.0, 0.9999, True),  # above the limit any gain suffices
        (1.0, 1.0, False),
        (0.09, 0.085, False),
        (0.09, 0.0799, True),
        (0.1, 0.095, False),  # the limit itself is not above the limit
        (0.09, 0.1, False),
    ],
)
def test_which_gain_is_enough(before: float, after: float, enough: bool) -> None:
    rules = Rules(min_gain=0.01, min_gain_limit=0.1)
    assert rules.suffices(before, after) == enough


def test_the_defaults_are_those_of_hbal() -> None:
    """Source: man hbal(1) on --min-gain and --min-gain-limit."""
    rules = Rules()
    assert (rules.min_gain, rules.min_gain_limit) == (0.01, 0.1)
    assert (rules.disk_moves, rules.instance_moves) == (True, True)
    assert (rules.restricted_migration, rules.evacuation, rules.ignore_soft) == (False, False, False)
    assert Settings() == Settings((), frozenset(), 0.0, None)


def test_reasons_have_the_names_that_hspace_prints() -> None:
    assert {mode.name: mode.value for mode in FailMode} == {
        "MEMORY": "FailMem", "DISK": "FailDisk", "CPU": "FailCPU", "N1": "FailN1", "TAGS": "FailTags",
        "MIGRATION": "FailMig", "DISK_COUNT": "FailDiskCount", "SPINDLES": "FailSpindles", "INTERNAL": "FailInternal",
    }  # fmt: skip


def test_kinds_of_moves_are_the_steps_that_hbal_prints() -> None:
    assert {kind.value for kind in MoveKind} == {"f", "fa", "r", "rf", "frf", "fr"}
    assert Move(1, MoveKind.FAILOVER).target is None
