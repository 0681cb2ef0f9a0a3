"""Errors of configuration calls: their classes on the wire, which Ganeti's clients know."""

import pytest

from impl.config.errors import (
    ConfigurationError,
    ProgrammerError,
    RefusedError,
    ReservationError,
    VerificationError,
)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (RefusedError, "GenericError"),
        (ConfigurationError, "ConfigurationError"),
        (ReservationError, "ReservationError"),
        (ProgrammerError, "ProgrammerError"),
    ],
)
def test_each_has_its_class_on_the_wire(kind: type[RefusedError], name: str) -> None:
    error = kind("text")
    assert (error.error_class, str(error)) == (name, "text")
    assert isinstance(error, RefusedError)


def test_a_verification_names_every_problem() -> None:
    error = VerificationError(["one", "two"])
    assert (error.error_class, error.problems) == ("ConfigVerifyError", ["one", "two"])
    assert str(error) == "Validation failed: one; two"
