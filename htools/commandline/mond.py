"""Dynamic load as monitoring daemons report it, read from a file and put into the working model.

Gantry runs no monitoring daemon: without `--mond-data` there is no daemon to ask, and a warning says so.

Source: man hbal(1) on `--mond`; the reports' format as ganeti-mond(8) has it; the warnings of hbal 3.0.2.
"""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

from htools.backends.jsonfields import decode, describe
from htools.commandline.tool import Options, stop
from htools.errors import LoadError
from htools.model.cluster import Model
from spec.allocator.arithmetic import ratio

TOTAL_CPU = "cpu-avg-load"
XEN_CPU = "xen-cpu-avg-load"

_KNOWN = frozenset(("name", "version", "format_version", "timestamp", "category", "kind", "data"))
_CATEGORIES = (None, "storage", "daemon", "instance", "hypervisor")


def _number(value: object) -> float | None:
    if type(value) is not int and type(value) is not float:
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text(value: object) -> bool:
    return type(value) is str


_REPORT_FIELDS: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("name", _text, "a string"),
    ("version", _text, "a string"),
    ("format_version", lambda value: _number(value) is not None, "a number"),
    ("timestamp", lambda value: _number(value) is not None, "a number"),
    ("kind", lambda value: type(value) is not bool and value in {0, 1}, "0 or 1"),
)
"""Keys that each report has, a test of the value, and what is expected, in words."""


def _check(path: str, node: str, report: object) -> Mapping[str, Any]:
    """One report, if it is one.

    Raises:
        LoadError: with the field and what was expected there.
    """
    place = f"in each report of node {node}"
    if not isinstance(report, dict):
        raise LoadError(path, f"can't parse MonD data: expected objects as reports of node {node}", field="reports")
    for field, fits, expected in _REPORT_FIELDS:
        value = report.get(field)
        if isinstance(value, dict | list) or not fits(value):
            reason = f"can't parse MonD data: expected {expected} {place}, found "
            raise LoadError(path, reason + (describe(value) if field in report else "nothing"), field=field)
    if "data" not in report:
        raise LoadError(path, f"can't parse MonD data: expected data {place}, found nothing", field="data")
    category = report.get("category")
    if isinstance(category, dict | list) or category not in _CATEGORIES:
        reason = f"can't parse MonD data: expected null or one of {', '.join(_CATEGORIES[1:])} {place}"
        raise LoadError(path, f"{reason}, found {describe(category)}", field="category")
    unknown = sorted(set(report) - _KNOWN)
    if unknown:
        raise LoadError(path, f"can't parse MonD data: expected no such field {place}", field=unknown[0])
    return report


def read(path: str) -> dict[str, dict[str, Any]]:
    """The data of every report by node and collector (of two with the same collector, the first).

    Raises:
        LoadError: the file cannot be read, or is not a list of nodes with reports.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise LoadError(path, f"cannot be read: {error.strerror}") from None
    try:
        content = decode(path, data)
    except LoadError as error:
        raise LoadError(path, f"can't parse MonD data: {error.reason}") from None
    if not isinstance(content, list):
        raise LoadError(path, "can't parse MonD data: expected a list of objects, one for each node")
    nodes: dict[str, dict[str, Any]] = {}
    for position, entry in enumerate(content):
        if not isinstance(entry, dict) or not isinstance(entry.get("node"), str):
            raise LoadError(
                path, f"can't parse MonD data: expected the name of a node in entry {position}", field="node"
            )
        reports = entry.get("reports")
        if not isinstance(reports, list):
            raise LoadError(path, f"can't parse MonD data: expected a list for node {entry['node']}", field="reports")
        found: dict[str, Any] = {}
        for item in reports:
            report = _check(path, entry["node"], item)
            found.setdefault(report["name"], report["data"])
        nodes[entry["node"]] = found
    return nodes


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
    """A node's load is as reported; its instances share it by their virtual cores."""
    for index, total in totals.items():
        node = model.nodes[index]
        node.load = [total, *node.load[1:]]
    for vm in model.instances.values():
        node = model.nodes[vm.primary]
        _set_instance_load(model, vm.index, ratio(node.load[0], node.used_cpus) * vm.instance.vcpus)


def _use_instances(model: Model, loads: dict[str, float]) -> None:
    """An instance's load is as reported; a node has the sum of its instances'."""
    for vm in model.instances.values():
        _set_instance_load(model, vm.index, loads[vm.name])
    for node in model.nodes.values():
        total = 0.0
        for index in node.primaries:
            total += model.instances[index].load[0]
        node.load = [total, *node.load[1:]]


def _collect(model: Model, reports: dict[str, dict[str, Any]] | None, options: Options) -> str | None:
    """Put the reports into the model; the warning, if they cannot be used."""
    collector = XEN_CPU if options.mond_xen else TOTAL_CPU
    ignored = f"Didn't receive an answer by all MonDs, {collector}'s data will be ignored."
    if reports is None:
        return f"No monitoring daemon is configured; give its reports with --mond-data FILE.\n{ignored}"
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
    """Bring the daemons' reports into the model, or warn; ends the program where incomplete data must not pass."""
    reports = None if options.mond_file is None else read(options.mond_file)
    if options.ignore_dynu:
        return
    warning = _collect(model, reports, options)
    if warning is None:
        return
    print(warning, file=sys.stderr)
    if options.exit_on_missing_mond:
        stop("Not all required data available")
