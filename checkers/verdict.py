"""The verdicts of checkers: never a bare bool.

`Ok` says what was covered, `Illegal` carries the witness that shows the fault, `Unknown` says why no answer was had.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

Witness = TypeVar("Witness")


@dataclass(frozen=True, slots=True)
class Ok:
    """The claim holds; `covered` is a phrase that says over what, such as `75 states`."""

    covered: str


@dataclass(frozen=True, slots=True)
class Illegal(Generic[Witness]):
    """The claim fails; the witness is minimal and can be described in prose."""

    witness: Witness


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing is known; `reason` is a phrase such as `time is up`."""

    reason: str


Verdict = Ok | Illegal[Witness] | Unknown
