"""What can happen to an opcode in its job's process. Vocabulary only; `spec.jobs.life` says what follows."""

from enum import Enum


class OpcodeEvent(Enum):
    """Something that happens to the first opcode that has not ended."""

    START = "start"
    """It becomes the current opcode and requests its locks."""
    GRANT = "grant"
    """It has its locks."""
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    """The job was canceled before this opcode ran."""
