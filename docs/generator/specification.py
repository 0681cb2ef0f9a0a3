"""Pages of the specification: each Python module of `spec` and each TLA+ module, what it defines, and its source."""

import re
from collections.abc import Mapping
from pathlib import Path

from docs.generator import markdown
from docs.generator.pages import Page, Section, link
from docs.generator.sources import ROOT, Definition, Module, first_sentence

_OPERATOR = re.compile(
    r"^[ \t]*(?:THEOREM[ \t]+|ASSUME[ \t]+|LOCAL[ \t]+)?(\w+)(?:\([^)\n]*\)|\[[^]\n]*\])?[ \t]*==", re.MULTILINE
)


def page_path(path: str) -> str:
    """Return the page of a source file of the specification."""
    if path.endswith(".tla"):
        return f"specification/tla/{Path(path).stem}.md"
    stem = path.removeprefix("spec/").removesuffix(".py")
    return f"specification/{stem.removesuffix('__init__') + 'index' if stem.endswith('__init__') else stem}.md"


def anchor(path: str, name: str) -> str:
    """Return the anchor of a definition on its page."""
    return f"operator-{name}" if path.endswith(".tla") else name.partition(".")[0]


def _value(definition: Definition) -> str:
    lines = definition.source.splitlines()
    shown = lines if len(lines) <= 12 else [*lines[:10], "    …"]
    return markdown.code("\n".join(shown), "python")


def _definition(definition: Definition) -> str:
    parts = [f"### {definition.name} {{ #{definition.name} }}"]
    if definition.kind == "value":
        parts.append(_value(definition))
    else:
        parts.append(markdown.code(definition.head.rstrip(":") + ": ...", "python"))
    if definition.doc:
        parts.append(markdown.docstring(definition.doc))
    members = [member for member in definition.members if member.public and member.kind != "function"]
    methods = [member for member in definition.members if member.public and member.kind == "function"]
    if definition.kind == "class" and members:
        parts.append(markdown.code("\n".join(member.source.strip() for member in members), "python"))
    if methods:
        rows = [(f"`{method.name}`", markdown.plain(first_sentence(method.doc))) for method in methods]
        parts.append(markdown.table(("method", "meaning"), rows))
    if definition.kind != "value":
        title = f"Source of {definition.name}, lines {definition.lines[0]} to {definition.lines[1]}"
        parts.append(markdown.folded(title, markdown.code(definition.source, "python")))
    return "\n\n".join(parts)


def module_page(module: Module, modules: Mapping[str, Module]) -> Page:
    """Return the page of one module of the specification."""
    path = page_path(module.path)
    public = [definition for definition in module.definitions if definition.public]
    parts = [f"# {module.name}", markdown.docstring(module.doc)]
    rows = [
        (f"[`{one.name}`](#{one.name})", one.kind, markdown.plain(first_sentence(one.doc)))
        for one in public
        if one.doc or one.kind != "value"
    ]
    if rows:
        parts += ["## Definitions", markdown.table(("name", "kind", "meaning"), rows)]
    used = sorted(name for name in module.imports if name.startswith("spec") and not modules[name].is_package)
    users = sorted(other.name for other in modules.values() if module.name in other.imports)
    if used:
        links = ", ".join(f"[`{name}`]({link(path, page_path(modules[name].path))})" for name in used)
        parts.append(f"It uses {links}.")
    if users:
        parts.append("It is used by " + ", ".join(f"`{name}`" for name in users) + ".")
    if public:
        parts += ["## In detail", *(_definition(definition) for definition in public)]
    parts += ["## The whole source", markdown.folded(module.path, markdown.code(module.source, "python"))]
    title = module.name.rpartition(".")[2]
    return Page(path, "Overview" if module.is_package else title, "\n\n".join(parts) + "\n")


def operators(source: str) -> dict[str, int]:
    """Return the operators that a TLA+ module defines at its top level, with the line of each."""
    found: dict[str, int] = {}
    for match in _OPERATOR.finditer(source):
        line = source.count("\n", 0, match.start(1)) + 1
        if source[match.start() : match.start(1)].strip() or match.start(1) == match.start():
            found.setdefault(match[1], line)
    return found


def operator_source(source: str, name: str) -> str:
    """Return the definition of an operator: from its line to the next empty one, with the comment above it."""
    lines = source.splitlines()
    first = operators(source)[name] - 1
    last = first + 1
    while last < len(lines) and lines[last].strip() and not lines[last].startswith("---"):
        last += 1
    while first > 0 and lines[first - 1].startswith("(*"):
        first -= 1
    return "\n".join(lines[first:last])


def tla_page(path: str, root: Path = ROOT) -> Page:
    """Return the page of one TLA+ module: its head comment, its operators with their source, its configurations."""
    source = (root / path).read_text("utf-8")
    stem = Path(path).stem
    parts = [f"# {stem}.tla"]
    comment = re.search(r"^\(\*{5,}\)\n((?:\(\*.*\*\)\n)+?)\(\*{5,}\)$", source, re.MULTILINE)
    if comment:
        lines = [line[2:-2].strip() for line in comment[1].splitlines()]
        parts.append(markdown.plain("\n".join(lines).replace("`gantry", "'gantry")))
    configurations = sorted((root / path).parent.glob(f"{stem.removeprefix('MC')}.*cfg"))
    if configurations and not stem.startswith("MC"):
        rows = []
        for file in configurations:
            head = [line[2:].strip() for line in file.read_text("utf-8").splitlines() if line.startswith("\\*")]
            expected = head[0].removeprefix("expect:").strip() if head else ""
            rows.append((f"`{file.name}`", f"`{expected}`", markdown.plain(" ".join(head[1:]))))
        parts += ["## Configurations", markdown.table(("file", "must find", "what it is for"), rows)]
    parts.append("## Operators")
    for name in operators(source):
        parts += [f"### {name} {{ #operator-{name} }}", markdown.code(operator_source(source, name))]
    parts += ["## The whole source", markdown.folded(path, markdown.code(source))]
    return Page(page_path(path), f"{stem}.tla", "\n\n".join(parts) + "\n")


def _order(module: Module) -> tuple[bool, str]:
    return (not module.is_package, module.name)


def section(modules: Mapping[str, Module], overview: str, root: Path = ROOT) -> Section:
    """Return the whole part of the site; `overview` is the text of its first page."""
    spec = {name: module for name, module in modules.items() if name == "spec" or name.startswith("spec.")}
    folders = sorted(module.name for module in spec.values() if module.is_package and module.name != "spec")
    rows = []
    for module in sorted(spec.values(), key=lambda one: one.name):
        if module.name != "spec":
            address = link("specification/index.md", page_path(module.path))
            rows.append((f"[`{module.name}`]({address})", markdown.plain(first_sentence(module.doc))))
    tla = [tla_page(file.relative_to(root).as_posix(), root) for file in sorted((root / "tla").glob("*.tla"))]
    tla_rows = [(f"[{page.title}]({link('specification/index.md', page.path)})",) for page in tla]
    first = "\n\n".join(
        [
            overview.rstrip(),
            "## The executable specification",
            markdown.docstring(spec["spec"].doc) if "spec" in spec else "",
            markdown.table(("module", "what it defines"), rows),
            "## The TLA+ modules",
            markdown.table(("module",), tla_rows),
        ]
    )
    loose = [one for one in spec.values() if one.name != "spec" and one.name.count(".") == 1 and not one.is_package]
    parts: list[Page | Section] = [Page("specification/index.md", "Overview", first + "\n")]
    for folder in folders:
        inside = [one for one in spec.values() if one.name == folder or one.name.startswith(folder + ".")]
        pages = [module_page(one, modules) for one in sorted(inside, key=_order)]
        parts.append(Section(folder, pages))
    parts.append(Section("spec", [module_page(one, modules) for one in sorted(loose, key=_order)]))
    parts.append(Section("TLA+", tla))
    return Section("Specification", parts)
