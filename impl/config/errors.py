"""Errors that configuration calls answer; each knows its class on the wire."""

from spec.errors import GantryError


class RefusedError(GantryError):
    """A call is refused and nothing has changed; `error_class` is its class on the wire."""

    error_class = "GenericError"


class ConfigurationError(RefusedError):
    """The configuration does not allow it."""

    error_class = "ConfigurationError"


class ReservationError(RefusedError):
    """A resource cannot be reserved."""

    error_class = "ReservationError"


class ProgrammerError(RefusedError):
    """A client asked for what it must not ask."""

    error_class = "ProgrammerError"


class VerificationError(RefusedError):
    """The configuration contradicts itself; `problems` says where."""

    error_class = "ConfigVerifyError"

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("Validation failed: " + "; ".join(problems))
