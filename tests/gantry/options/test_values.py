"""Values of the command line: what is read, and what is refused with a hint."""

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from gantry.options.values import job_id, positive, seconds


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (seconds, "0", 0.0), (seconds, "2.5", 2.5), (seconds, "3600", 3600.0), (positive, "1", 1),
        (positive, "007", 7), (job_id, "0", 0), (job_id, "42", 42),
    ],
)  # fmt: skip
def test_values(read: Callable[[str], Any], text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "hint"),
    [
        *((seconds, text, "seconds from 0 to 3600") for text in ("-0.1", "3601", "x", "", "nan", "inf")),
        *((positive, text, "at least 1") for text in ("0", "-1", "1.5", "", "²", "x")),
        *((job_id, text, "gantry job list") for text in ("-1", "x", "", "٣", "1 ")),
    ],
)
def test_refusals(read: Callable[[str], Any], text: str, hint: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=hint):
        read(text)
