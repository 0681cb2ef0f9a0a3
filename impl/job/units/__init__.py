"""The logical units: what each opcode does. One table; an opcode that is not in it ends with an error."""

from impl.job.unit import Unit
from impl.job.units import instance_create, instance_moves, instance_state, node_parameters, testing

UNITS: dict[str, Unit] = {
    **testing.UNITS,
    **instance_moves.UNITS,
    **instance_state.UNITS,
    **instance_create.UNITS,
    **node_parameters.UNITS,
}
"""Units by opcode."""
