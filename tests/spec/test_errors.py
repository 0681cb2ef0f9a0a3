"""The root of errors: ours and those that the other side of a connection answered."""

from spec.errors import GantryError, PeerError


def test_an_answered_error_keeps_its_class_and_arguments() -> None:
    error = PeerError("OpPrereqError", ("no such node", "unknown_entity"))
    assert (error.error_class, error.arguments) == ("OpPrereqError", ("no such node", "unknown_entity"))
    assert str(error) == "OpPrereqError: no such node, unknown_entity"
    assert isinstance(error, GantryError)


def test_a_plain_string_is_shown_as_it_is() -> None:
    assert str(PeerError("", ("Queue drained",))) == "Queue drained"
