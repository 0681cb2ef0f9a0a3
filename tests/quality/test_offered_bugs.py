"""Bugs planted into what offers moves, in the definition and in everything that hbal runs, which z3 must find.

A bug is a line of a module, replaced; the changed functions take the place of the real ones wherever they were
imported.
"""

import pytest

from checkers.offered import Offers, disagreement, table_of
from tests.checkers.test_offered import by_definition, by_the_engine, by_the_plain_search, by_what_hbal_takes
from tests.quality.planting import plant

pytestmark = pytest.mark.long

READERS: dict[str, Offers] = {
    "spec.allocator.moves": by_definition,
    "spec.allocator.initial": by_definition,
    "htools.moving": by_the_plain_search,
    "htools.balancing": by_the_plain_search,
    "htools.model": by_the_plain_search,
    "htools.evaluation": by_the_engine,
    "htools.engine": by_the_engine,
    "htools.classes": by_what_hbal_takes,
}
"""Through which eyes a bug in a module must show."""

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
    "plain_without_restriction": ("htools.moving", "(primary_offline or not rules.restricted_migration)", "True"),
    "plain_for_those_not_balanced": ("htools.moving", "and vm.instance.auto_balance", ""),
    "plain_evacuation_of_primaries_only": ("htools.moving", "nodes[vm.secondary].offline)", "False)"),
    "plain_to_its_own_secondary": ("htools.balancing", "{vm.primary, vm.secondary}", "{vm.primary}"),
    "plain_by_way_of_a_drained_secondary": ("htools.balancing", "vm.secondary in online and ", ""),
    "across_groups": ("htools.model", " and primary.group == secondary.group", ""),
    "vectors_without_restriction": (
        "htools.evaluation",
        "(self.off_primary | (not rules.restricted_migration))",
        "(self.off_primary | True)",
    ),
    "vectors_with_replacements_of_the_primary": (
        "htools.evaluation",
        "            if not rules.restricted_migration:",
        "            if True:",
    ),
    "vectors_to_its_own_secondary": (
        "htools.evaluation",
        "elsewhere = (self.targets != primary[:, None]) & (self.targets != secondary[:, None])",
        "elsewhere = self.targets != primary[:, None]",
    ),
    "vectors_by_way_of_a_drained_secondary": (
        "htools.evaluation",
        "valid_secondary = nodes.online[secondary] & rules",
        "valid_secondary = (nodes.online[secondary] | True) & rules",
    ),
    "vectors_disk_moves_in_spite": ("htools.evaluation", "if not rules.disk_moves:", "if False:"),
    "vectors_instance_moves_in_spite": ("htools.evaluation", "elsewhere & self.rules.instance_moves", "elsewhere"),
    "engine_moves_all": ("htools.engine", "in movable(self.model, self.rules)]", "in self.model.instances.values()]"),
    "engine_to_drained_targets": (
        "htools.engine",
        "np.flatnonzero(self._candidates.nodes.online)",
        "np.flatnonzero(self._candidates.nodes.online | self._candidates.nodes.online.any())",
    ),
    "classes_instance_moves_in_spite": ("htools.classes", "if not self.rules.instance_moves:", "if False:"),
    "classes_evacuate_all": ("htools.classes", "if not self.rules.evacuation and", "if"),
    "classes_to_its_own_node": ("htools.classes", "fits[np.arange(len(homes)), homes] = False", "pass"),
    "classes_for_those_not_balanced": ("htools.classes", "if vm.movable and vm.instance.auto_balance", "if vm.movable"),
    "classes_for_excluded_ones": ("htools.classes", "if vm.movable and ", "if "),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    module, old, new = BUGS[bug]
    plant(monkeypatch, module, old, new, constructors=True)
    assert disagreement(table_of(READERS[module]))
