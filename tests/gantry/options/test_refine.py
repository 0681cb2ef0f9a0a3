"""The command lines that name what is compared or validated: they name all that there is."""

import argparse

from checkers.refinement.pairs import REFINEMENTS
from gantry.commands import trace as tracing
from gantry.options import refine, trace


def test_every_refinement_can_be_named() -> None:
    assert list(refine.NAMES) == sorted(REFINEMENTS)


def test_every_model_of_traces_can_be_named() -> None:
    parser = argparse.ArgumentParser()
    trace.add_arguments(parser)
    for name in tracing.MODELS:
        assert parser.parse_args([name, "file"]).model == name
