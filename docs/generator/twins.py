"""The table of twins: each module of the specification with the fast modules that give its answers.

It is read from `docs/twins.toml` and compared with the modules and their docstrings.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from docs.generator import markdown
from docs.generator.pages import link
from docs.generator.sources import ROOT, Module
from docs.generator.specification import page_path

TABLE = ROOT / "docs" / "twins.toml"

SCOPES = {
    "spec.allocator": ("htools",),
    "spec.jobs": ("impl.queue", "impl.job"),
    "spec.locks": ("impl.locks",),
    "spec.plans": ("checkers.plans",),
}
"""Packages of the specification, and those where a module of the same name must be the twin or a namesake."""


class Twin(NamedTuple):
    """A module of the specification, its fast modules, and a remark; by their names."""

    spec: str
    fast: tuple[str, ...]
    why: str


class Namesake(NamedTuple):
    """A module that has the name of a module of the specification and is not its twin; `why` says what it is."""

    spec: str
    other: str
    why: str


class Twins(NamedTuple):
    """The table."""

    twins: tuple[Twin, ...]
    namesakes: tuple[Namesake, ...]


def read_twins(text: str) -> Twins:
    """Read the table from TOML."""
    data = tomllib.loads(text)
    return Twins(
        tuple(Twin(row["spec"], tuple(row.get("fast", ())), row.get("why", "")) for row in data.get("twin", ())),
        tuple(Namesake(row["spec"], row["other"], row["why"]) for row in data.get("namesake", ())),
    )


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def _names(modules: Mapping[str, Module], fast: str, spec: str) -> bool:
    """Return whether a module's docstring, or that of a package around it, names a module of the specification."""
    parts = fast.split(".")
    parents = [".".join(parts[:end]) for end in range(1, len(parts))]
    package = spec.rpartition(".")[0]
    texts = [modules[name].doc for name in (fast, *parents) if name in modules]
    return any(f"`{spec}" in text or (f"`{package}" in text and f"`{_leaf(spec)}`" in text) for text in texts)


def problems(table: Twins, modules: Mapping[str, Module]) -> Iterator[str]:
    """Yield what the table and the code disagree about."""
    specified = [name for name, module in modules.items() if name.startswith("spec.") and not module.is_package]
    listed = [twin.spec for twin in table.twins]
    yield from (f"{name}: not in the table" for name in specified if name not in listed)
    yield from (f"{name}: no such module, or twice" for name in listed if listed.count(name) > 1 or name not in modules)
    for twin in table.twins:
        if not twin.fast and not twin.why:
            yield f"{twin.spec}: neither a fast module nor why there is none"
        for fast in twin.fast:
            if fast not in modules:
                yield f"{twin.spec}: no module {fast}"
            elif not _names(modules, fast, twin.spec):
                yield f"{fast}: its docstring does not name {twin.spec}"
    known = {(twin.spec, fast) for twin in table.twins for fast in twin.fast}
    known |= {(namesake.spec, namesake.other) for namesake in table.namesakes}
    same = set(_same_names(modules))
    yield from (f"{other}: has the name of {spec}, and is no twin" for spec, other in sorted(same - known))
    yield from (f"{n.other}: is no namesake of {n.spec}" for n in table.namesakes if (n.spec, n.other) not in same)


def _same_names(modules: Mapping[str, Module]) -> Iterator[tuple[str, str]]:
    for package, scopes in SCOPES.items():
        for spec, module in modules.items():
            if spec.rpartition(".")[0] == package and not module.is_package:
                for other, found in modules.items():
                    inside = other.startswith(tuple(f"{scope}." for scope in scopes))
                    if inside and _leaf(other) == _leaf(spec) and not found.is_package:
                        yield spec, other


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def table(page: str) -> str:
    """Write the table and the namesakes as Markdown, for a page."""
    known = read_twins(TABLE.read_text("utf-8"))
    rows = [
        (f"[`{t.spec}`]({link(page, page_path(t.spec.replace('.', '/') + '.py'))})", _code(t.fast), t.why)
        for t in known.twins
        if t.fast
    ]
    alone = [t for t in known.twins if not t.fast]
    reasons = sorted({t.why for t in alone})
    parts = [markdown.table(("specified", "fast", ""), rows), "Without a twin, and why:"]
    parts += ["\n".join(f"* {why}: {_code(tuple(t.spec for t in alone if t.why == why))}" for why in reasons)]
    parts += ["Modules of the same name that are no twins:"]
    parts += ["\n".join(f"* `{n.other}` {n.why}; it is not `{n.spec}`" for n in known.namesakes)]
    return "\n\n".join(parts)
