"""Fields that several kinds of things have. Source: Ganeti 3.0.2's queries; names, titles and kinds are its."""

from collections.abc import Callable, Mapping
from typing import Any

from impl.cluster.view import ClusterView
from impl.query.model import Entry, Field, Kind, normal, or_no_data
from impl.query.source import Source

NODE_PARAMETERS: dict[str, tuple[str, Kind]] = {
    "cpu_speed": ("ndp/cpu_speed", Kind.FLOAT),
    "exclusive_storage": ("ExclusiveStorage", Kind.BOOL),
    "oob_program": ("OutOfBandProgram", Kind.OTHER),
    "ovs": ("OpenvSwitch", Kind.BOOL),
    "ovs_link": ("OpenvSwitchLink", Kind.OTHER),
    "ovs_name": ("OpenvSwitchName", Kind.OTHER),
    "spindle_count": ("SpindleCount", Kind.NUMBER),
    "ssh_port": ("ndp/ssh_port", Kind.NUMBER),
}
"""Title and kind of each node parameter."""


def attribute(name: str, default: Any = None) -> Callable[[Source, Any], Entry]:
    """Get an attribute of the configuration object, `no data` where it is missing and has no default."""

    def get(_: Source, item: Mapping[str, Any]) -> Entry:
        return or_no_data(item.get(name, default))

    return get


def of_view(function: Callable[[ClusterView, Any], Any]) -> Callable[[Source, Any], Entry]:
    """Get what a function of view and object answers, `no data` for None."""

    def get(source: Source, item: Any) -> Entry:
        return or_no_data(function(source.view, item))

    return get


def parameter_fields(
    prefix: str,
    group: str,
    titles: Mapping[str, tuple[str, Kind]],
    parameters: Callable[[ClusterView, Any], Mapping[str, Any]],
    wrap: Callable[[Any], Entry] = or_no_data,
) -> list[Field]:
    """Make one field per parameter, such as `ndp/oob_program`."""

    def field(name: str, title: str, kind: Kind) -> Field:
        def get(source: Source, item: Any) -> Entry:
            return wrap(parameters(source.view, item).get(name))

        return Field(f"{prefix}/{name}", title, kind, f'The "{name}" {group} parameter', get)

    return [field(name, title, kind) for name, (title, kind) in titles.items()]


def object_fields(what: str) -> list[Field]:
    """Make the fields of times, serial number, UUID and tags."""

    def timestamp(name: str) -> Callable[[Source, Any], Entry]:
        def get(_: Source, item: Mapping[str, Any]) -> Entry:
            return normal(item.get(name) or 0)

        return get

    return [
        Field("ctime", "CTime", Kind.TIMESTAMP, "Creation timestamp", timestamp("ctime")),
        Field("mtime", "MTime", Kind.TIMESTAMP, "Modification timestamp", timestamp("mtime")),
        Field("uuid", "UUID", Kind.TEXT, f"{what} UUID", attribute("uuid")),
        Field(
            "serial_no",
            "SerialNo",
            Kind.NUMBER,
            f"{what}'s serial number, raised by each change",
            attribute("serial_no", 1),
        ),
        Field("tags", "Tags", Kind.OTHER, "Tags", lambda _, item: normal(sorted(item.get("tags") or ()))),
    ]
