"""`docs/security.md` lists every place of the control plane that runs a program, reads the environment or signals.

What a client, a file or an environment gives may reach such a place only in the way that the list says. A new place
fails here until it stands in the list, with the reason why it is safe; one that is gone fails until it is struck off.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.quality.mirror import ROOT

KINDS: dict[str, frozenset[str]] = {
    "program": frozenset({
        "subprocess.Popen", "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
        "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_exec",
        "asyncio.create_subprocess_shell", "os.fork", "os.forkpty", "os.system", "os.popen", "os.posix_spawn",
        "os.posix_spawnp", "os.execv", "os.execve", "os.execvp", "os.execvpe", "os.execl", "os.execle", "os.execlp",
        "os.execlpe", "os.spawnv", "os.spawnve", "os.spawnvp", "os.spawnl", "os.spawnlp", "pty.spawn", "runpy.run_path",
        "runpy.run_module", "importlib.import_module", "ctypes.CDLL", "eval", "exec", "__import__", "shutil.which",
        "pickle.load", "pickle.loads", "marshal.loads",
    }),
    "environment": frozenset({
        "os.environ", "os.environb", "os.getenv", "os.getenvb", "os.path.expanduser", "os.path.expandvars",
        "os.get_exec_path", "tempfile.mkdtemp", "tempfile.mkstemp", "tempfile.NamedTemporaryFile",
        "tempfile.TemporaryDirectory", "tempfile.TemporaryFile", "tempfile.gettempdir",
    }),
    "signal": frozenset({"os.kill", "os.killpg", "signal.pidfd_send_signal", "signal.pthread_kill"}),
}  # fmt: skip
ROW = re.compile(r"\| `(impl/[\w/]+\.py)::([\w.]+)` \| (program|environment|signal) \| [^|]+ \|")


def _dotted(node: ast.expr, known: dict[str, str]) -> str:
    """Return the full name that an expression stands for, such as `os.kill`; empty if it is none."""
    if isinstance(node, ast.Name):
        return known.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        above = _dotted(node.value, known)
        return f"{above}.{node.attr}" if above else ""
    return ""


def _walk(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name or attribute, with the function or class in which it stands."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _walk(child, f"{inside}.{child.name}".lstrip("."))
            continue
        if isinstance(child, ast.Attribute | ast.Name):
            yield inside or "module", child
        yield from _walk(child, inside)


def places_in(text: str) -> set[tuple[str, str]]:
    """Return where a module does something of these kinds: function and kind."""
    tree = ast.parse(text)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known.update((name.asname, name.name) for name in node.names if name.asname)
        elif isinstance(node, ast.ImportFrom) and node.module:
            known.update((name.asname or name.name, f"{node.module}.{name.name}") for name in node.names)
    return {
        (inside, kind)
        for inside, node in _walk(tree, "")
        if not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        for kind, names in KINDS.items()
        if _dotted(node, known) in names
    }


def places(root: Path) -> set[tuple[str, str, str]]:
    """Return every such place below `impl`: module, function, kind."""
    return {
        (path.relative_to(root).as_posix(), inside, kind)
        for path in sorted((root / "impl").rglob("*.py"))
        for inside, kind in places_in(path.read_text("utf-8"))
    }


def test_the_list_of_places_is_exact() -> None:
    listed = set(ROW.findall((ROOT / "docs" / "security.md").read_text("utf-8")))
    found = places(ROOT)
    assert found - listed == set(), "say in docs/security.md why each is safe"
    assert listed - found == set(), "they are gone: strike them off docs/security.md"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\ndef f(pid):\n    os.kill(pid, 9)", {("f", "signal")}),
        ("from os import kill as end\nclass C:\n    def m(self):\n        end(1, 9)", {("C.m", "signal")}),
        ("import subprocess as s\ns.run(['x'])", {("module", "program")}),
        ("from subprocess import Popen\nasync def f():\n    def g():\n        Popen('x')", {("f.g", "program")}),
        ("import os\nHOME = os.environ['HOME']", {("module", "environment")}),
        ("from os import environ, path\nx = [path.expanduser(y) for y in environ]", {("module", "environment")}),
        ("def f(text):\n    return eval(text)", {("f", "program")}),
        ("import importlib\ndef f(name):\n    return importlib.import_module(name)", {("f", "program")}),
        ("import os\ndef kill(pid):\n    return os.stat(str(pid))", set()),
        ("text = 'os.kill'  # os.environ", set()),
    ],
)
def test_a_new_place_is_found(text: str, expected: set[tuple[str, str]]) -> None:
    assert places_in(text) == expected


def test_every_test_that_the_page_names_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert not name or re.search(rf"^(async )?def {name}\b", (ROOT / path).read_text("utf-8"), re.MULTILINE), name
