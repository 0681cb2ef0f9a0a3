"""The logical units: what each opcode does. One table; an opcode that is not in it ends with an error.

There is no plain twin: jobs also run under Ganeti's wconfd, which checks what they write. Nothing here needs to be
fast: a job's time is that of its locks, of the disk and of the hypervisor.
"""

from impl.job.unit import Unit
from impl.job.units import (
    cluster_parameters,
    groups,
    instance_create,
    instance_disks,
    instance_moves,
    instance_parameters,
    instance_query,
    instance_state,
    node_parameters,
    nodes,
    result_with_jobs,
    tags,
    testing,
    verification,
)

_TABLES = (
    testing.UNITS,
    instance_moves.UNITS,
    instance_query.UNITS,
    instance_state.UNITS,
    instance_create.UNITS,
    instance_disks.UNITS,
    instance_parameters.UNITS,
    result_with_jobs.UNITS,
    node_parameters.UNITS,
    nodes.UNITS,
    groups.UNITS,
    tags.UNITS,
    cluster_parameters.UNITS,
    verification.UNITS,
)

UNITS: dict[str, Unit] = {op_id: unit for table in _TABLES for op_id, unit in table.items()}
"""Units by opcode."""
