"""The limits fit each other: what is kept stays within what can be sent, also wrapped."""

from docs.generator.limits import SOURCE, limits
from impl import limits as found
from impl.limits import (
    MAX_ANSWER_DEPTH,
    MAX_CONFIG_DEPTH,
    MAX_INTEGER_DIGITS,
    MAX_JOB_ID,
    MAX_MESSAGE_BYTES,
    MAX_MESSAGE_ELEMENTS,
    MAX_REQUEST_DEPTH,
    MAX_SECONDS,
    MAX_VALUE_DEPTH,
    LimitError,
)
from spec.errors import GantryError

WRAPPINGS = {
    "a job's file: the job, its opcodes, one, its input, a list of values": 5,
    "WaitForJobChange's previous values: the request, its arguments, the values, opcodes, one, a list of values": 6,
    "a filter in the whole configuration: request, arguments, configuration, filters, rule, predicates, one": 7,
    "an object in the whole configuration: request, arguments, configuration, section": 4,
}


def test_a_kept_value_fits_into_a_request_in_any_wrapping() -> None:
    assert MAX_VALUE_DEPTH + max(WRAPPINGS.values()) <= MAX_REQUEST_DEPTH


def test_a_whole_configuration_fits_into_a_request_and_its_answer() -> None:
    assert MAX_CONFIG_DEPTH + 2 == MAX_REQUEST_DEPTH
    assert MAX_CONFIG_DEPTH + 1 <= MAX_ANSWER_DEPTH


def test_ids_and_times_are_whole_numbers_that_pass() -> None:
    assert max(MAX_JOB_ID, MAX_SECONDS * 10**6) < 10**MAX_INTEGER_DIGITS
    assert MAX_MESSAGE_ELEMENTS < MAX_MESSAGE_BYTES


def test_every_limit_has_a_value_and_one_sentence_in_the_documentation() -> None:
    listed = {name: sentence for name, _, sentence in limits(SOURCE.read_text("utf-8"))}
    assert set(listed) == {name for name in vars(found) if name.isupper()}
    assert all(sentence.endswith(".") for sentence in listed.values())


def test_a_limit_that_is_exceeded_is_an_error_of_ours() -> None:
    error = LimitError("too many")
    assert isinstance(error, GantryError)
    assert (error.reason, str(error)) == ("too many", "too many")
