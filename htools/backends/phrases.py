"""The phrases of Ganeti's programs for wrong JSON values. Pure; keys and objects are not known here.

Source: the errors of htools 3.0.2 for requests, saved answers and answers of daemons with such values.
"""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any

from htools.formatting.haskell import show_string
from htools.formatting.numbers import show

NOT_AN_OBJECT = "not an object"
WRONG_TYPE = "Wrong JSON type"
_TYPES = {"EvacuationMode": "EvacMode"}
"""Enumerations with other names in Ganeti."""


def _number(value: float) -> str:
    if type(value) is float and not value.is_integer():
        return show(value)
    return str(int(value))


def _quoted(text: str) -> str:
    letters = (
        f"\\{letter}" if letter in '"\\' else f"\\u{ord(letter):04x}" if letter < " " or letter == "\x7f" else letter
        for letter in text
    )
    return f'"{"".join(letters)}"'


def encoded(value: Any) -> str:
    """Return a value as JSON in Ganeti's messages: `{"a": [1, 2.5]}`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case str():
            return _quoted(value)
        case list():
            return f"[{', '.join(map(encoded, value))}]"
    return f"{{{', '.join(f'{_quoted(key)}: {encoded(part)}' for key, part in value.items())}}}"


def fraction(value: float) -> str:
    """Return a number as Ganeti shows fractions: `3 % 2`."""
    fraction = Fraction(str(value)) if type(value) is float else Fraction(value)
    numerator = f"({fraction.numerator})" if fraction.numerator < 0 else str(fraction.numerator)
    return f"{numerator} % {fraction.denominator}"


def shown(value: Any) -> str:
    """Return a value as a record of Ganeti's: `JSRational False (3 % 2)`."""
    match value:
        case None:
            return "JSNull"
        case bool():
            return f"JSBool {value}"
        case int() | float():
            return f"JSRational False ({fraction(value)})"
        case str():
            return f"JSString (JSONString {{fromJSString = {show_string(value)}}})"
        case list():
            return f"JSArray [{','.join(map(shown, value))}]"
    parts = ",".join(f"({show_string(key)},{shown(part)})" for key, part in value.items())
    return f"JSObject (JSONObject {{fromJSObject = [{parts}]}})"


def listed(names: Any) -> str:
    """Return names as Ganeti lists them: `["a","b"]`."""
    return f"[{','.join(map(show_string, names))}]"


def absent(key: str, values: Mapping[str, Any]) -> str:
    """Return the phrase for a key that an object lacks."""
    return f"key '{key}' not found, object contains only {listed(values)}"


def letters(value: Any) -> str | None:
    """Return a value as the string that Ganeti reads; a list of single letters is one, too."""
    if type(value) is list and all(type(item) is str and len(item) == 1 for item in value):
        return "".join(value)
    return value if type(value) is str else None


def reading(kind: str, value: Any) -> str:
    """Return the phrase for a value that should be an `Int`, `Double`, `Bool`, `String`, `list` or `JSObject`.

    Empty if Ganeti can read it.
    """
    match kind:
        case "Int" | "Integer" | "Double":
            fits = type(value) is int or type(value) is float
        case "Bool":
            fits = type(value) is bool
        case "String" if type(value) is list:
            return "" if letters(value) is not None else "Unable to read Char"
        case "String":
            fits = type(value) is str
        case "list":
            fits = type(value) is list
        case _:
            fits = type(value) is dict
    return "" if fits else f"Unable to read {kind}"


def list_reading(kind: str, value: Any) -> str:
    """Return the phrase for a value that should be a list of such values."""
    if type(value) is not list:
        return reading("list", value)
    return next(filter(None, (reading(kind, item) for item in value)), "")


def choice_reading(kind: type[StrEnum], value: Any) -> str:
    """Return the phrase for a value that should be a name of an enumeration."""
    name = _TYPES.get(kind.__name__, kind.__name__)
    text = letters(value)
    if text is None:
        return f"Can't parse value for '{name}': {reading('String', value)}"
    return "" if text in kind._value2member_map_ else f"Invalid string value for type {name}: {show_string(text)}"


def choices_reading(kind: type[StrEnum], value: Any) -> str:
    """Return the phrase for a value that should be a list of such names."""
    if type(value) is not list:
        return reading("list", value)
    return next(filter(None, (choice_reading(kind, item) for item in value)), "")
