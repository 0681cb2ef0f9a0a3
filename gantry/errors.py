"""Errors as `gantry` prints them: it stands for no program of Ganeti, so Ganeti's phrases are left out."""

from htools.errors import LoadError
from spec.errors import GantryError


def message(error: GantryError) -> str:
    """Return the text of an error, without the line that htools begin with because Ganeti's do."""
    return error.plain if isinstance(error, LoadError) else str(error)
