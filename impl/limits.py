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

MAX_MESSAGE_BYTES = 64 << 20
"""Bytes of one message, and of the requests of one connection that wait."""

MAX_MESSAGE_ELEMENTS = 4_000_000
"""Elements of all arrays and objects of a message together, counted as its commas and opening brackets."""

MAX_REQUEST_DEPTH = 64
"""Depth of arrays and objects in a request, and in a file that a daemon reads at its start."""

MAX_VALUE_DEPTH = 32
"""Depth of one value that is kept: an opcode's parameter, a filter, an object of the configuration."""

MAX_CONFIG_DEPTH = MAX_REQUEST_DEPTH - 2
"""Depth of the whole configuration: it is sent as an argument of a request."""

MAX_ANSWER_DEPTH = 128
"""Depth of an answer that our clients read: any kept value, in any wrapping, is less deep."""

# ---- numbers

MAX_INTEGER_DIGITS = 19
"""Digits of a whole number anywhere in a message, as 64 bits hold them; fractions are finite."""

MAX_JOB_ID = 2**53 - 1
"""The largest id of a job: every JSON reader holds it exactly."""

MAX_SECONDS = 1 << 40
"""A time since the epoch, or a span, in seconds: 34,000 years."""

MAX_COUNT = 2**31 - 1
"""A number that a client sets: the priority of a filter, a rate limit."""

MAX_PORT = 65_535
"""A TCP port."""

MAX_PROCESS_ID = 2**22
"""The largest id of a process. Source: the kernel's `PID_MAX_LIMIT`."""

# ---- texts and lists

MAX_NAME_LENGTH = 1024
"""Characters of a name: of a node, an instance, a group, a lock, a tag, a client of wconfd; and of a UUID."""

MAX_PATH_BYTES = 4095
"""The longest path of a live-lock. Source: the kernel's `PATH_MAX`, without its final zero."""

MAX_TEXT_LENGTH = 1 << 18
"""Characters of a text among an opcode's parameters."""

MAX_SIZE_LENGTH = 64
"""Characters of a size such as `10G`."""

MAX_JOBS_IN_CALL = 10_000
"""Jobs in one call of SubmitManyJobs."""

MAX_OPCODES_IN_JOB = 10_000
"""Opcodes of one job."""

MAX_DEPENDENCIES_OF_OPCODE = 10_000
"""Jobs that one opcode may wait for."""

# ---- filters and their regular expressions

MAX_QUERY_TESTS = 100_000
"""Tests in the filter of one query: two for each of 50,000 names."""

MAX_RULE_TESTS = 1000
"""Tests in the predicates of one job filter, which each submitted job may have to pass."""

MAX_PATTERN_LENGTH = 1 << 14
"""Characters of a regular expression: an alternative of several hundred names."""

MAX_PATTERN_MEMORY = 1 << 20
"""Bytes for the program of a regular expression and for what it remembers while it runs."""

MAX_PATTERN_PROGRAM = 7500
"""Instructions of a regular expression: one that keeps to it can search any host name within `MAX_PATTERN_STEPS`."""

MAX_PATTERN_STEPS = 2_000_000
"""Instructions of a regular expression times the bytes that it searches: about 30 ms at worst."""

# ---- the queue's files

MAX_QUEUE_FILE_BYTES = 256 << 20
"""The largest job file or journal that is read."""

# ---- starting jobs

MAX_START_SECONDS = 60.0
"""How long a job's start is tried again while descriptors, processes, memory or room on the disk are missing."""

START_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between such tries, the last one again and again; no other job is started meanwhile."""
