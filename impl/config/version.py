"""The version of a configuration's format: which one is ours, and the refusal of all others. Pure.

Source: Ganeti's config.data, `version`: 1,000,000 for the major, 10,000 for the minor number.

>>> version_name(2_160_000)
'2.16'
>>> check_version(3_010_000, "/root/config.data")
Traceback (most recent call last):
impl.config.version.VersionError: /root/config.data has the format of version 3.1, this program knows 3.0: it is left \
as it is; Ganeti's cfgupgrade changes it
"""

from typing import Any

from impl.config.errors import ConfigurationError

VERSION = 3_000_000
"""The format that we read and write, that of Ganeti 3.0."""


class VersionError(ConfigurationError):
    """A configuration has the format of another version, `found`; `where` it is."""

    def __init__(self, found: Any, where: str) -> None:
        self.found = found
        self.where = where
        super().__init__(
            f"{where} has the format of version {version_name(found)}, this program knows {version_name(VERSION)}: "
            "it is left as it is; Ganeti's cfgupgrade changes it"
        )


def version_name(number: Any) -> str:
    """Write a version as people do."""
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1_000_000_000:
        return repr(number)[:40]
    major, rest = divmod(number, 1_000_000)
    minor, revision = divmod(rest, 10_000)
    return f"{major}.{minor}.{revision}" if revision else f"{major}.{minor}"


def check_version(number: Any, where: str) -> None:
    """Check that a configuration's `version` is ours.

    Raises:
        VersionError: it has another one.
    """
    if number != VERSION:
        raise VersionError(number, where)
