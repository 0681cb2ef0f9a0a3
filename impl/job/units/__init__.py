"""The logical units: what each opcode does. One table; an opcode that is not in it ends with an error."""

from impl.job.unit import Unit
from impl.job.units import instance_moves, node_parameters, testing

UNITS: dict[str, Unit] = {**testing.UNITS, **instance_moves.UNITS, **node_parameters.UNITS}
"""Units by opcode."""
