"""The limits of what a client may send and what is kept, one sentence each. The documentation shows this table.

Ganeti has none of them; what its own clients and tools send stays far below (the largest: a configuration of 10 MB, a
thousand jobs in one call).
"""

from spec.errors import GantryError


class LimitError(GantryError):
    """A value exceeds a limit; nothing of its request is done, and the connection stays open."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


# ---- messages

MESSAGE_BYTES = 64 << 20
"""Bytes of one message, and of the requests of one connection that wait."""

MESSAGE_ELEMENTS = 4_000_000
"""Elements of all arrays and objects of a message together, counted as its commas and opening brackets."""

MESSAGE_DEPTH = 64
"""Depth of arrays and objects in a request, and in a file that a daemon reads at its start."""

VALUE_DEPTH = 32
"""Depth of one value that is kept: an opcode's parameter, a filter, an object of the configuration."""

ANSWER_DEPTH = 128
"""Depth of an answer that our clients read: any kept value, in any wrapping, is less deep."""

# ---- numbers

INTEGER_DIGITS = 19
"""Digits of a whole number anywhere in a message, as 64 bits hold them; fractions are finite."""

JOB_ID_HIGHEST = (1 << 53) - 1
"""A job's id: what every JSON reader takes exactly; at a million jobs a second it lasts for 285 years."""

SECONDS_HIGHEST = 1 << 40
"""A time since the epoch, or a span, in seconds: 34,000 years."""

PORT_HIGHEST = 65_535
"""A TCP port."""

PROCESS_ID_HIGHEST = (1 << 31) - 1
"""A process id, as the system's own type."""

# ---- texts and lists

NAME_LENGTH = 1024
"""Characters of a name: of a node, an instance, a group, a lock, a tag, a client of wconfd."""

PATH_LENGTH = 4096
"""Characters of a path, as the system's own limit of bytes."""

JOBS_IN_CALL = 10_000
"""Jobs in one call of SubmitManyJobs."""

OPCODES_IN_JOB = 10_000
"""Opcodes of one job."""

DEPENDENCIES_OF_OPCODE = 10_000
"""Jobs that one opcode may wait for."""
