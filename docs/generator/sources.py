"""Reads Python sources without importing them: modules, their public definitions, and what they import."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "impl", "htools", "checkers", "gantry")


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition at the top level of a module.

    Attributes:
        name: its name.
        kind: `class`, `function` or `value`.
        head: the source of its signature; of a value the whole statement.
        doc: its docstring, or an empty string.
        source: its whole source, decorators included.
        lines: the first and the last line of the source.
        members: the public methods and attributes of a class.
    """

    name: str
    kind: str
    head: str
    doc: str
    source: str
    lines: tuple[int, int]
    members: tuple["Definition", ...] = ()

    @property
    def public(self) -> bool:
        """Whether the name is for other modules."""
        return not self.name.startswith("_")


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file.

    Attributes:
        path: below the root, with slashes.
        name: as it is imported.
        doc: its docstring.
        source: its text.
        definitions: what its top level defines, in order.
        imports: the names of the modules of ours that it imports, at its top level or later.
    """

    path: str
    name: str
    doc: str
    source: str
    definitions: tuple[Definition, ...]
    imports: frozenset[str]

    @property
    def is_package(self) -> bool:
        """Whether it is a package's `__init__`."""
        return self.path.endswith("/__init__.py")


def first_sentence(text: str) -> str:
    """Return the first line of a docstring."""
    return text.strip().splitlines()[0] if text.strip() else ""


def module_name(path: str) -> str:
    """Return the name under which a file is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _start(node: ast.stmt) -> int:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return node.lineno


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _definitions(body: list[ast.stmt], lines: list[str]) -> Iterator[Definition]:
    for number, node in enumerate(body):
        first, last = _start(node), node.end_lineno or node.lineno
        source = "\n".join(lines[first - 1 : last])
        for name in _names(node):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                head = "\n".join(lines[first - 1 : node.body[0].lineno - 1])
                yield Definition(name, "function", head.rstrip(), ast.get_docstring(node) or "", source, (first, last))
            elif isinstance(node, ast.ClassDef):
                head = "\n".join(lines[first - 1 : node.body[0].lineno - 1])
                members = tuple(_definitions(node.body, lines))
                doc = ast.get_docstring(node) or ""
                yield Definition(name, "class", head.rstrip(), doc, source, (first, last), members)
            else:
                doc = ""
                match body[number + 1 : number + 2]:
                    case [ast.Expr(value=ast.Constant(value=str(text)))]:
                        doc = text.strip()
                yield Definition(name, "value", source, doc, source, (first, last))


def _imports(tree: ast.Module, name: str, *, is_package: bool) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")
                kept = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join([*kept, *([base] if base else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return frozenset(found)


@functools.cache
def read_module(path: str, root: Path = ROOT) -> Module:
    """Return the module of a file, given by its path below the root."""
    source = (root / path).read_text("utf-8")
    tree = ast.parse(source)
    name = module_name(path)
    imports = _imports(tree, name, is_package=path.endswith("/__init__.py"))
    definitions = tuple(_definitions(tree.body, source.splitlines()))
    return Module(path, name, ast.get_docstring(tree) or "", source, definitions, imports)


def read_packages(packages: tuple[str, ...] = PACKAGES, root: Path = ROOT) -> dict[str, Module]:
    """Return every module of some packages, by name; what they import is cut down to modules among them."""
    found = [
        read_module(file.relative_to(root).as_posix(), root)
        for package in packages
        for file in sorted((root / package).rglob("*.py"))
    ]
    known = {module.name for module in found}
    return {
        module.name: Module(
            module.path,
            module.name,
            module.doc,
            module.source,
            module.definitions,
            frozenset(name for name in module.imports if name in known and name != module.name),
        )
        for module in found
    }


def find(module: Module, dotted: str) -> Definition | None:
    """Return the definition of a name in a module; `Class.member` names a member."""
    definitions = module.definitions
    found: Definition | None = None
    for part in dotted.split("."):
        found = next((one for one in definitions if one.name == part), None)
        if found is None:
            return None
        definitions = found.members
    return found
