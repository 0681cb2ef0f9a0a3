"""Plants a bug: a line of a module is replaced, and the changed functions replace the right ones."""

import importlib
import inspect
import sys
from pathlib import Path
from types import FunctionType

import pytest


def plant(
    monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str, *, constructors: bool = False
) -> dict[str, object]:
    """Replace text of a module in its functions, wherever they were imported, and in those of its classes.

    Args:
        monkeypatch: undoes the changes.
        name: the module's.
        old: the text replaced.
        new: the text in its place.
        constructors: in `__init__` too; only for classes whose constructors do not call `super()`.

    Returns:
        The changed module's names, which are the changed functions' globals.
    """
    module = importlib.import_module(name)
    source = Path(str(module.__file__)).read_text()
    assert old in source, f"{name} has no longer: {old}"
    changed: dict[str, object] = {"__name__": name}
    exec(compile(source.replace(old, new), f"{name} (planted)", "exec"), changed)  # noqa: S102
    users = [user for title, user in sys.modules.items() if title.partition(".")[0] in {"spec", "htools", "tests"}]
    for title, value in vars(module).copy().items():
        if getattr(value, "__module__", None) != name:
            continue
        if inspect.isclass(value):
            for attribute, function in vars(changed[title]).items():
                wanted = not attribute.startswith("__") or (constructors and attribute == "__init__")
                if wanted and isinstance(function, FunctionType | classmethod):
                    monkeypatch.setattr(value, attribute, function)
        elif isinstance(value, FunctionType):
            for user in users:
                if vars(user).get(title) is value:
                    monkeypatch.setattr(user, title, changed[title])
    return changed
