"""Dynamic load as monitoring daemons report it, read from a file and put into the working model.

Gantry runs no monitoring daemon: without `--mond-data` there is no daemon to ask, and a warning says so.

Source: man hbal(1) on `--mond`; the format of reports in ganeti-mond(8); the warnings of hbal 3.0.2.
"""

import math
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from htools.backends.files import read_bytes
from htools.backends.jsonfields import Fields, decode, describe, no_json_of
from htools.backends.phrases import absent, fraction, list_reading, listed, reading, shown
from htools.commandline.tool import Options, stop
from htools.errors import LoadError
from htools.model.cluster import Model
from spec.allocator.arithmetic import ratio

TOTAL_CPU = "cpu-avg-load"
XEN_CPU = "xen-cpu-avg-load"

_KNOWN = frozenset(("name", "version", "format_version", "timestamp", "category", "kind", "data"))
_CATEGORIES = ("storage", "daemon", "instance", "hypervisor")
_BEFORE = "can't parse MonD data: "
_IN_REPORTS = "Parsing node's reports: key 'reports': "


def _number(value: object) -> float | None:
    if type(value) is not int and type(value) is not float:
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _version(value: object) -> str:
    return "" if type(value) is str else f"Invalid JSON value {shown(value)} for type DCVersion"


def _category(value: object) -> str:
    if type(value) is str:
        return "" if value in _CATEGORIES else f"Invalid category name {value} for type DCCategory"
    return "" if value is None else f"Invalid JSON value {shown(value)} for type DCCategory"


def _kind(value: object) -> str:
    if _number(value) is None:
        return f"Invalid JSON value {shown(value)} for type DCKind"
    number = cast("float", value)
    numeral = str(int(number)) if number == int(number) else fraction(number)
    return "" if value in {0, 1} else f"Invalid JSON value {numeral} for type DCKind"


_REPORT_FIELDS: tuple[tuple[str, Callable[[object], str], str], ...] = (
    ("name", partial(reading, "String"), "a string"),
    ("version", _version, "a string"),
    ("format_version", partial(reading, "Int"), "a number"),
    ("timestamp", partial(reading, "Integer"), "a number"),
    ("category", _category, "null or one of storage, daemon, instance, hypervisor"),
    ("kind", _kind, "0 or 1"),
    ("data", lambda _: "", "data"),
)
"""Keys of a report: Ganeti's text about a wrong value (empty for a right one), and our words for the expected one."""


class _Reports:
    """The file of reports, with errors that begin as Ganeti's."""

    def __init__(self, path: str) -> None:
        self._path = path

    def error(self, reason: str, phrase: str, field: str | None = None) -> LoadError:
        return LoadError(self._path, reason, field=field, phrase=phrase and _BEFORE + phrase)

    def check(self, node: str, report: Mapping[str, Any]) -> None:
        """Refuse an invalid report."""
        place = f"in each report of node {node}"
        for field, fault_of, expected in _REPORT_FIELDS:
            if field not in report and field != "category":
                raise self.error(
                    f"expected {expected} {place}, found nothing", _IN_REPORTS + absent(field, report), field
                )
            value = report.get(field)
            said = fault_of(value)
            if said or (field == "name" and type(value) is not str):
                phrase = said and f"{_IN_REPORTS}Can't parse value for '{field}': {said}"
                raise self.error(f"expected {expected} {place}, found {describe(value)}", phrase, field)
        unknown = sorted(set(report) - _KNOWN)
        if unknown:
            phrase = f"Superfluous dictionary keys: {listed(unknown)}, but only {listed(sorted(_KNOWN))} allowed."
            raise self.error(f"expected no such field {place}", _IN_REPORTS + phrase, unknown[0])

    def node(self, position: int, entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return a node and the data of its reports by collector."""
        name = entry.get("node")
        if type(name) is not str:
            fields = Fields(self._path, "", entry, "Parsing node's name: ")
            said = reading("String", name)
            phrase = fields.phrase("node", said) if said or "node" not in entry else ""
            raise self.error(f"expected the name of a node in entry {position}", phrase, "node")
        fields = Fields(self._path, "", entry, "Parsing node's reports: ")
        reports = entry.get("reports")
        if not isinstance(reports, list):
            raise self.error(
                f"expected a list for node {name}", fields.phrase("reports", reading("list", reports)), "reports"
            )
        found: dict[str, Any] = {}
        for report in reports:
            said = reading("JSObject", report)
            if said:
                reason = f"expected objects as reports of node {name}"
                raise self.error(reason, fields.phrase("reports", said), "reports")
            self.check(name, report)
            found.setdefault(report["name"], report["data"])
        return name, found


def read(path: str) -> dict[str, dict[str, Any]]:
    """Return the data of every report by node and collector (of two with the same collector, the first).

    Raises:
        AccessError: the file cannot be read.
        LoadError: it is not a list of nodes with reports.
    """
    parsing = "Parsing MonD's answer: "
    content = decode(path, read_bytes(path), _BEFORE + parsing)
    reports = _Reports(path)
    if not isinstance(content, list):
        raise reports.error("expected a list of objects, one for each node", no_json_of("list", content, parsing))
    said = list_reading("JSObject", content)
    if said:
        raise reports.error("expected a list of objects, one for each node", parsing + said)
    return dict(reports.node(position, entry) for position, entry in enumerate(content))


def _total(data: object) -> float | None:
    if not isinstance(data, dict) or set(data) != {"cpu_number", "cpus", "cpu_total"}:
        return None
    loads = data["cpus"]
    if not isinstance(loads, list) or any(_number(load) is None for load in loads):
        return None
    return None if _number(data["cpu_number"]) is None else _number(data["cpu_total"])


def _instance_loads(data: object) -> dict[str, float] | None:
    if not isinstance(data, dict):
        return None
    loads = {name: load for name, value in data.items() if (load := _number(value)) is not None}
    return loads if len(loads) == len(data) else None


def _set_instance_load(model: Model, index: int, cpu: float) -> None:
    vm = model.instances[index]
    vm.load = (cpu, *vm.load[1:])


def _use_totals(model: Model, totals: dict[int, float]) -> None:
    """Set nodes' loads as reported; a node's instances share its load by their virtual cores."""
    for index, total in totals.items():
        node = model.nodes[index]
        node.load = [total, *node.load[1:]]
    for vm in model.instances.values():
        node = model.nodes[vm.primary]
        _set_instance_load(model, vm.index, ratio(node.load[0], node.used_cpus) * vm.instance.vcpus)


def _use_instances(model: Model, loads: dict[str, float]) -> None:
    """Set instances' loads as reported; a node has the sum of its instances' loads."""
    for vm in model.instances.values():
        _set_instance_load(model, vm.index, loads[vm.name])
    for node in model.nodes.values():
        total = 0.0
        for index in node.primaries:
            total += model.instances[index].load[0]
        node.load = [total, *node.load[1:]]


def _collect(model: Model, reports: dict[str, dict[str, Any]] | None, options: Options) -> str | None:
    """Apply the reports to the model; return a warning if they cannot be used."""
    collector = XEN_CPU if options.mond_xen else TOTAL_CPU
    ignored = f"Didn't receive an answer by all MonDs, {collector}'s data will be ignored."
    if reports is None:
        return f"{ignored}\nNo monitoring daemon is configured; give its reports with --mond-data FILE."
    data = {index: reports.get(node.name, {}).get(collector) for index, node in model.nodes.items()}
    if not options.mond_xen:
        totals = {index: total for index, entry in data.items() if (total := _total(entry)) is not None}
        if len(totals) < len(model.nodes):
            return ignored
        _use_totals(model, totals)
        return None
    loads: dict[str, float] = {}
    for entry in data.values():
        found = _instance_loads(entry)
        if found is None:
            return ignored
        loads = found | loads
    missing = sorted(vm.name for vm in model.instances.values() if vm.name not in loads)
    if missing:
        from htools.formatting.haskell import show_string

        return f"No CPU information available for [{','.join(map(show_string, missing))}]"
    _use_instances(model, loads)
    return None


def apply(model: Model, options: Options) -> None:
    """Apply the daemons' reports to the model, or warn; exit if incomplete data is not allowed."""
    reports = None if options.mond_file is None else read(options.mond_file)
    if options.ignore_dynu:
        return
    warning = _collect(model, reports, options)
    if warning is None:
        return
    print(warning, file=sys.stderr)
    if options.exit_on_missing_mond:
        stop("Not all required data available")
