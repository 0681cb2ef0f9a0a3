"""`gantry trace locks|jobs FILE`: check that a trace recorded with `--trace` is a behaviour of the specification."""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from checkers.traces.validation import read, validate
from checkers.verdict import Illegal, Ok
from spec.errors import GantryError

MODELS = {"jobs": ("checkers.traces.jobs", "JobsModel"), "locks": ("checkers.traces.locks", "LocksModel")}


class TraceFileError(GantryError):
    """The trace cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot read the trace {path}: {reason}")


def run(arguments: argparse.Namespace) -> int:
    """Validate one trace and print the verdict."""
    try:
        data = sys.stdin.buffer.read() if arguments.file == "-" else Path(arguments.file).read_bytes()
    except OSError as error:
        raise TraceFileError(arguments.file, error.strerror or str(error)) from error
    module, name = MODELS[arguments.model]
    model: Any = getattr(importlib.import_module(module), name)()
    verdict = validate(model, read(data))
    if isinstance(verdict, Ok):
        print(f"ok: {verdict.covered}, all within the specification of {arguments.model}")
        return 0
    if isinstance(verdict, Illegal):
        print(f"{arguments.file}: {verdict.witness.describe()}")
    return 1
