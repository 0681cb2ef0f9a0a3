from gantry.options.opcodes import NAMES
from impl.opcodes import OPCODES


def test_the_names_are_those_of_the_table() -> None:
    assert {f"OP_{name}" for name in NAMES} == set(OPCODES)
