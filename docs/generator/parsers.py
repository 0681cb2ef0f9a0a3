"""The one place where the generator imports the code that it describes."""

import argparse
from collections.abc import Iterable
from typing import Any

from gantry.cli import COMMANDS
from gantry.commands.locks import picture as waits_dot
from htools.backends import text as text_backend
from htools.commandline.tool import TOOLS
from impl.job.units import UNITS
from impl.locks.core import step
from impl.locks.state import LockState
from impl.luxid.methods import COMMANDS as LUXI_COMMANDS
from impl.luxid.options import parser as luxid_parser
from impl.luxid.queries import QUERIES as LUXI_QUERIES
from impl.opcodes import OPCODES
from impl.opcodes.common import COMMON
from impl.opcodes.table import Parameter
from impl.paths import Root
from impl.query import FIELDS as QUERY_FIELDS
from impl.wconfd.lock_calls import STATELESS
from impl.wconfd.lock_status import describe
from impl.wconfd.methods import DAEMON_METHODS, METHODS
from impl.wconfd.options import parser as wconfd_parser
from spec.locks.model import Event

__all__ = [
    "COMMANDS",
    "COMMON",
    "LUXI_METHODS",
    "OPCODES",
    "QUERY_FIELDS",
    "TEXT_FORMAT",
    "TOOLS",
    "UNITS",
    "WCONFD_METHODS",
    "Parameter",
    "Root",
    "daemon_parsers",
    "describe_locks",
    "waits_dot",
]

LUXI_METHODS = {**LUXI_COMMANDS, **LUXI_QUERIES}
"""The methods of LUXI by name."""

WCONFD_METHODS = {*METHODS, *STATELESS, *DAEMON_METHODS}
"""The names of wconfd's methods."""

TEXT_FORMAT = (
    ("groups", text_backend.GROUP_FIELDS, ()),
    ("nodes", text_backend.NODE_FIELDS, text_backend.NODE_DEFAULTS),
    ("instances", text_backend.INSTANCE_FIELDS, text_backend.INSTANCE_DEFAULTS),
    ("policies", text_backend.POLICY_FIELDS, ()),
)
"""The sections of the text format: fields, and what its last fields count as where they are missing."""


def daemon_parsers() -> list[argparse.ArgumentParser]:
    """Return the parsers of the daemons."""
    return [wconfd_parser(), luxid_parser()]


def describe_locks(events: Iterable[Event]) -> dict[str, Any]:
    """Return wconfd's description of the locks after some events."""
    state = LockState()
    for event in events:
        state, _ = step(state, event)
    return describe(state, {}, 0.0)
