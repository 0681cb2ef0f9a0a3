"""What stands in for a line `<!-- generated: NAME -->` in a page: tables and pictures from the code."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docs.generator import graphs, limits, markdown, parsers, pictures, states, twins
from docs.generator.claims import COLUMNS, LEDGER, read_ledger
from docs.generator.pages import link
from docs.generator.sources import Module, first_sentence

_LINE = re.compile(r"^<!-- generated: ([\w.-]+) -->$", re.MULTILINE)


@dataclass
class Workshop:
    """What generators of parts use, and the pictures that they order.

    Attributes:
        modules: every module of the five packages.
        dots: pictures to draw: file name to DOT.
    """

    modules: Mapping[str, Module]
    dots: dict[str, str] = field(default_factory=dict)

    def picture(self, page: str, name: str, dot: str, text: str) -> str:
        """Order a picture; return the Markdown that shows it, with a link to its full size."""
        self.dots[f"{name}.svg"] = dot
        address = link(page, f"pictures/{name}.svg")
        return f"[![{text}]({address})]({address})"


Part = Callable[[Workshop, str], str]


def _opcode_states(workshop: Workshop, page: str) -> str:
    diagram = states.opcode_diagram()
    return workshop.picture(page, "opcode", diagram.dot(), "States of an opcode") + "\n\n" + diagram.table()


def _job_states(workshop: Workshop, page: str) -> str:
    diagram = states.job_diagram()
    return workshop.picture(page, "job", diagram.dot(), "Where a job can be") + "\n\n" + diagram.table()


def _lock_states(workshop: Workshop, page: str) -> str:
    diagram = states.lock_diagram()
    return workshop.picture(page, "lock", diagram.dot(), "What an owner has of a lock") + "\n\n" + diagram.table()


def _waits(workshop: Workshop, page: str) -> str:
    return workshop.picture(page, "waits", pictures.waits_picture(), "Who waits for whom")


def _plot(_: Workshop, page: str) -> str:
    return f"![Nodes before and after balancing]({link(page, 'pictures/office-20.svg')})"


def _packages(workshop: Workshop, page: str) -> str:
    return workshop.picture(page, "packages", graphs.overview_dot(workshop.modules), "The five packages")


def _package_pictures(workshop: Workshop, page: str, package: str) -> str:
    """Return a picture of a package and of each package in it, with the modules' first sentences."""
    parts = []
    for name in graphs.packages(workshop.modules):
        if name == package or name.startswith(package + "."):
            level = "##" if name == package else "###"
            module = workshop.modules[name]
            rows = [
                (f"`{child.rpartition('.')[2]}`", markdown.plain(first_sentence(workshop.modules[child].doc)))
                for child in graphs.children(workshop.modules, name)
            ]
            parts += [
                f"{level} {name}",
                markdown.docstring(module.doc),
                workshop.picture(
                    page, f"imports-{name}", graphs.package_dot(workshop.modules, name), f"Imports inside {name}"
                ),
                markdown.folded(f"What is in {name}", markdown.table(("module", "what it is"), rows)),
            ]
    return "\n\n".join(parts)


def _about_package(package: str) -> Part:
    return lambda workshop, page: _package_pictures(workshop, page, package)


def _opcode_parameters(_: Workshop, __: str) -> str:
    def row(parameter: parsers.Parameter) -> tuple[str, str, str]:
        given = {"refused": "must be given", "it stays away": "may be left out", "it is null": "null"}
        presence = given.get(parameter.presence.value, f"default `{parameter.default!r}`")
        return f"`{parameter.name}`", f"{parameter.type.name}", presence + (", secret" if parameter.secret else "")

    parts = ["## Parameters of every opcode", markdown.table(("parameter", "type", ""), map(row, parsers.COMMON))]
    for opcode in parsers.OPCODES.values():
        parts.append(f"### {opcode.op_id}")
        done = "Carried out." if opcode.op_id in parsers.UNITS else "Read and refused: `OpCodeUnknown`."
        parts.append(done)
        if opcode.parameters:
            parts.append(markdown.table(("parameter", "type", ""), map(row, opcode.parameters)))
    return "\n\n".join(parts)


def _text_fields(_: Workshop, __: str) -> str:
    rows = []
    for what, names, defaults in parsers.TEXT_FORMAT:
        least = len(names) - len(defaults)
        given = dict(zip(names[least:], defaults, strict=True))
        rows.append(
            (what, ", ".join(f"`{name}`" + (f" (`{given[name]}`)" if given.get(name) else "") for name in names))
        )
    return markdown.table(("section", "fields, in order; in brackets what a missing one counts as"), rows)


def _query_fields(_: Workshop, __: str) -> str:
    parts = []
    for what, fields in parsers.QUERY_FIELDS.items():
        rows = [(f"`{name}`", one.kind.value, markdown.plain(one.doc)) for name, one in fields.items()]
        parts += [f"### {what}", markdown.folded(f"{len(rows)} fields", markdown.table(("field", "kind", ""), rows))]
    return "\n\n".join(parts)


def _paths(_: Workshop, __: str) -> str:
    root = parsers.Root("ROOT")
    rows = []
    for name, member in inspect.getmembers(parsers.Root, lambda one: isinstance(one, property)):
        path = getattr(root, name)
        rows.append((f"`{path.removeprefix('ROOT/')}`", markdown.plain(first_sentence(member.__doc__ or ""))))
    return markdown.table(("below the root", "what it is"), sorted(rows))


def _ledger_counts(_: Workshop, __: str) -> str:
    claims = read_ledger(LEDGER.read_text("utf-8"))
    gaps = sum(len(claim.gaps) for claim in claims)
    return f"The ledger has {len(claims)} claims; {gaps} of their {len(claims) * len(COLUMNS)} columns are gaps."


def _twins(_: Workshop, page: str) -> str:
    return twins.table(page)


def _limits(_: Workshop, __: str) -> str:
    return limits.table()


def _compatibility(_: Workshop, __: str) -> str:
    return states.compatibility()


PARTS: dict[str, Part] = {
    "compatibility": _compatibility,
    "job-states": _job_states,
    "ledger-counts": _ledger_counts,
    "limits": _limits,
    "lock-states": _lock_states,
    "opcode-parameters": _opcode_parameters,
    "opcode-states": _opcode_states,
    "packages": _packages,
    "paths": _paths,
    "plot": _plot,
    "query-fields": _query_fields,
    "text-fields": _text_fields,
    "twins": _twins,
    "waits": _waits,
    **{f"package-{name}": _about_package(name) for name in ("spec", "impl", "htools", "checkers", "gantry")},
}
"""Every part by its name."""


def wanted(text: str) -> Iterable[str]:
    """Return the parts that a page asks for."""
    return _LINE.findall(text)


def filled(workshop: Workshop, page: str, text: str) -> str:
    """Return a page's Markdown with all its parts.

    Raises:
        KeyError: a part is not known.
    """
    return _LINE.sub(lambda match: PARTS[match[1]](workshop, page), text)


def write_pictures(workshop: Workshop, directory: Path) -> None:
    """Draw what was ordered, and hbal's plot."""
    for name, dot in workshop.dots.items():
        graphs.draw(dot, directory / name)
    pictures.plot(directory / "office-20.svg")
