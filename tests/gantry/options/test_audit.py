"""The command line of `gantry audit` repeats the specification's rules and the checker's patience: they agree."""

import argparse

from checkers.plans import audit as checker
from gantry.options import audit
from spec.plans.model import STANDARD_RULES, Rule


def test_the_rules_are_the_specification_s() -> None:
    assert list(audit.RULES) == [rule.value for rule in Rule]
    assert set(audit.IGNORABLE) == {rule.value for rule in STANDARD_RULES - {Rule.POSSIBLE}}


def test_the_help_lists_first_what_can_be_ignored_and_apart_from_it_what_cannot() -> None:
    parser = argparse.ArgumentParser(prog="gantry audit")
    audit.add_arguments(parser)
    listed, rest = parser.format_help().partition("\nrules:\n")[2].split("always kept:\n")
    assert [line.split()[0] for line in listed.splitlines()] == audit.IGNORABLE
    assert {name for name in audit.RULES if f"  {name} " in rest} == set(audit.RULES) - set(audit.IGNORABLE)


def test_the_patience_is_the_checker_s() -> None:
    parser = argparse.ArgumentParser()
    audit.add_arguments(parser)
    assert parser.parse_args(["plan", "--live"]).timeout == checker.TIMEOUT
