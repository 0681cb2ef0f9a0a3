"""The command line of `gantry audit` repeats the specification's rules and the checker's patience: they agree."""

import argparse

from checkers.plans import audit as checker
from gantry.options import audit
from spec.plans.model import STANDARD_RULES, Rule


def test_the_rules_are_the_specification_s() -> None:
    assert list(audit.RULES) == [rule.value for rule in Rule]
    assert set(audit.IGNORABLE) == {rule.value for rule in STANDARD_RULES - {Rule.POSSIBLE}}


def test_the_patience_is_the_checker_s() -> None:
    parser = argparse.ArgumentParser()
    audit.add_arguments(parser)
    assert parser.parse_args(["plan", "--live"]).timeout == checker.TIMEOUT
