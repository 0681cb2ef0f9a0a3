"""The form of the opcode table: what each presence of a parameter does when an opcode is read."""

from typing import Any

import pytest

from impl.opcodes import OPCODES, OpcodeError, secrets, summary, validate
from impl.opcodes.table import Opcode, Presence, default, nullable, optional, required, secret
from impl.opcodes.types import INT, STRING

PARAMETERS = (
    required("must", INT),
    default("filled", INT, 7),
    optional("may", INT),
    nullable("null", INT),
    optional("name"),
    secret("hidden", STRING),
)
OP: dict[str, Any] = {"OP_ID": "OP_PLANTED", "reason": []}


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPCODES, "OP_PLANTED", Opcode("OP_PLANTED", PARAMETERS, "must"))


def test_each_way_of_making_a_parameter_has_its_presence() -> None:
    assert [parameter.presence for parameter in PARAMETERS] == [
        Presence.REQUIRED, Presence.DEFAULT, Presence.OPTIONAL, Presence.NULLABLE, Presence.OPTIONAL, Presence.OPTIONAL
    ]  # fmt: skip
    assert [parameter.secret for parameter in PARAMETERS] == [False] * 5 + [True]


def read(**given: Any) -> dict[str, Any]:
    op = validate({**OP, **given})
    return {parameter.name: op[parameter.name] for parameter in PARAMETERS if parameter.name in op}


@pytest.mark.parametrize("absent", [{}, {"filled": None, "may": None, "null": None, "name": None, "hidden": None}])
def test_what_is_missing_or_null(absent: dict[str, None]) -> None:
    assert read(must=1, **absent) == {"must": 1, "filled": 7, "null": None}


def test_what_is_given_stays() -> None:
    given = {"must": 1, "filled": 2, "may": 3, "null": 4, "name": "n", "hidden": "h"}
    assert read(**given) == given


def test_a_required_parameter_that_is_missing_is_refused_and_null_is_a_wrong_type() -> None:
    with pytest.raises(OpcodeError, match="key 'must' not found"):
        read()
    with pytest.raises(OpcodeError, match="Can't parse value for 'must'"):
        read(must=None)


def test_an_optional_one_is_a_name_unless_said_otherwise() -> None:
    with pytest.raises(OpcodeError, match="Can't parse value for 'name'"):
        read(must=1, name="")


def test_the_subject_is_shown_and_the_secret_is_known() -> None:
    op = validate({**OP, "must": 5, "hidden": "h"})
    assert summary(op) == "PLANTED(5.0)"
    assert secrets(op) == {"hidden": "h"}
