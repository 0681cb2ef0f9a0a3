"""Bugs planted into the functions that offer moves, in the definition and in hbal's code; z3 must find each.

A bug is a line of a module, replaced; the changed functions replace the right ones wherever they were imported.
"""

import pytest

from checkers.plans.offered_moves import Offers, Table, disagreement
from tests.checkers.plans.test_offered_moves import (
    by_definition,
    by_the_engine,
    by_the_plain_search,
    by_what_hbal_takes,
    table,
)
from tests.quality.planting import plant

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("offered moves")]

READERS: dict[str, Offers] = {
    "spec.allocator.moves": by_definition,
    "spec.allocator.initial": by_definition,
    "htools.model.moves": by_the_plain_search,
    "htools.balance.rounds": by_the_plain_search,
    "htools.model.cluster": by_the_plain_search,
    "htools.balance.evaluation": by_the_engine,
    "htools.balance.vector_search": by_the_engine,
    "htools.balance.class_search": by_what_hbal_takes,
}
"""The functions that must show a bug in each module."""

BUGS = {
    "defined_without_restriction": (
        "spec.allocator.moves",
        "(rules.restricted_migration and not primary_offline)",
        "False",
    ),
    "defined_with_replacements_of_the_primary": (
        "spec.allocator.moves",
        "    if rules.restricted_migration:",
        "    if False:",
    ),
    "defined_to_drained_targets": (
        "spec.allocator.moves",
        "for index, node in state.nodes.items() if not node.node.offline)",
        "for index, node in state.nodes.items())",
    ),
    "defined_to_its_own_secondary": (
        "spec.allocator.moves",
        "{instance.primary, instance.secondary}",
        "{instance.primary}",
    ),
    "defined_for_those_not_balanced": ("spec.allocator.moves", "and placed.instance.auto_balance", ""),
    "defined_evacuation_of_primaries_only": (
        "spec.allocator.moves",
        "offline.intersection(placed.instance.nodes)",
        "placed.instance.primary in offline",
    ),
    "defined_disk_moves_in_spite": ("spec.allocator.moves", "if not rules.disk_moves:", "if False:"),
    "defined_across_groups": ("spec.allocator.initial", " and primary.group == secondary.group", ""),
    "defined_for_excluded_ones": ("spec.allocator.initial", "index not in settings.fixed and ", ""),
    "plain_without_restriction": ("htools.model.moves", "(primary_offline or not rules.restricted_migration)", "True"),
    "plain_for_those_not_balanced": ("htools.model.moves", "and vm.instance.auto_balance", ""),
    "plain_evacuation_of_primaries_only": ("htools.model.moves", "nodes[vm.secondary].offline)", "False)"),
    "plain_to_its_own_secondary": ("htools.model.moves", "{vm.primary, vm.secondary}", "{vm.primary}"),
    "plain_by_way_of_a_drained_secondary": ("htools.model.moves", "vm.secondary in online and ", ""),
    "across_groups": ("htools.model.cluster", " and primary.group == secondary.group", ""),
    "vectors_without_restriction": (
        "htools.balance.evaluation",
        "(self.off_primary | (not rules.restricted_migration))",
        "(self.off_primary | True)",
    ),
    "vectors_with_replacements_of_the_primary": (
        "htools.balance.evaluation",
        "            if not rules.restricted_migration:",
        "            if True:",
    ),
    "vectors_to_its_own_secondary": (
        "htools.balance.evaluation",
        "elsewhere = (self.targets != primary[:, None]) & (self.targets != secondary[:, None])",
        "elsewhere = self.targets != primary[:, None]",
    ),
    "vectors_by_way_of_a_drained_secondary": (
        "htools.balance.evaluation",
        "valid_secondary = nodes.online[secondary] & rules",
        "valid_secondary = (nodes.online[secondary] | True) & rules",
    ),
    "vectors_disk_moves_in_spite": ("htools.balance.evaluation", "if not rules.disk_moves:", "if False:"),
    "vectors_instance_moves_in_spite": (
        "htools.balance.evaluation",
        "elsewhere & self.rules.instance_moves",
        "elsewhere",
    ),
    "engine_moves_all": (
        "htools.balance.vector_search",
        "in movable(self.model, self.rules)]",
        "in self.model.instances.values()]",
    ),
    "engine_to_drained_targets": (
        "htools.balance.vector_search",
        "np.flatnonzero(self._candidates.nodes.online)",
        "np.flatnonzero(self._candidates.nodes.online | self._candidates.nodes.online.any())",
    ),
    "classes_instance_moves_in_spite": (
        "htools.balance.class_search",
        "if not self.rules.instance_moves:",
        "if False:",
    ),
    "classes_evacuate_all": ("htools.balance.class_search", "if not self.rules.evacuation and", "if"),
    "classes_to_its_own_node": ("htools.balance.class_search", "fits[np.arange(len(homes)), homes] = False", "pass"),
    "classes_for_those_not_balanced": (
        "htools.balance.class_search",
        "if vm.movable and vm.instance.auto_balance",
        "if vm.movable",
    ),
    "classes_for_excluded_ones": ("htools.balance.class_search", "if vm.movable and ", "if "),
}


def with_the_first_change(offers: Offers, right: Table) -> Table:
    """Return the right table, changed in the first situation in which the planted bug shows."""
    for place, (situation, offered) in enumerate(right):
        found = offers(situation)
        if found != offered:
            return (*right[:place], (situation, found), *right[place + 1 :])
    return right


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    module, old, new = BUGS[bug]
    right = table(READERS[module])
    assert disagreement(right) == ""
    plant(monkeypatch, module, old, new, constructors=True)
    assert disagreement(with_the_first_change(READERS[module], right))
