"""Which test file belongs to which module: the tests' folders mirror the packages.

`tests/P/test_X.py` and `tests/P/test_X_aspect.py` are for the module `P/X.py` or the package `P/X/`. Modules without a
test file of their own are listed in `untested_modules.txt`; `python -m tests.quality.mirror` rewrites that list.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("spec", "impl", "htools", "checkers", "gantry")
LIST = Path(__file__).with_name("untested_modules.txt")
HEAD = """\
# Modules without a test file of their own (tests/P/test_X.py or tests/P/test_X_aspect.py for P/X.py): others test them.
# Whoever gives one its tests takes it out; nothing should come in. python -m tests.quality.mirror writes this list.
"""


def modules(root: Path = ROOT) -> list[str]:
    """List every module of the mirrored packages, as a path without its ending; packages themselves are left out."""
    found = (path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return sorted(path.relative_to(root).with_suffix("").as_posix() for path in found if path.stem != "__init__")


def files_to_place(root: Path = ROOT) -> list[str]:
    """List every test file that must mirror a module, as a path."""
    found = (path for package in PACKAGES for path in (root / "tests" / package).rglob("test_*.py"))
    return sorted(path.relative_to(root).as_posix() for path in found)


def place_of(test_file: str, places: Iterable[str]) -> str | None:
    """Find the module or package of a test file: the one with the longest name that begins the file's; None if none.

    Args:
        test_file: its path, such as `tests/spec/locks/test_rules_fair.py`.
        places: modules and packages, such as `spec/locks/rules`.
    """
    folder, _, name = test_file.removeprefix("tests/").removesuffix(".py").rpartition("/")
    stem = name.removeprefix("test_") + "_"
    found = [place for place in places if place.rpartition("/")[0] == folder and stem.startswith(_stem(place))]
    return max(found, key=len, default=None)


def _stem(place: str) -> str:
    return place.rpartition("/")[2].strip("_") + "_"


def packages(all_modules: Iterable[str]) -> set[str]:
    """Return the packages of modules, and their parents."""
    return {"/".join(parts[:end]) for parts in (m.split("/") for m in all_modules) for end in range(1, len(parts))}


def astray(root: Path = ROOT) -> list[str]:
    """List test files that mirror no module and no package."""
    known = modules(root)
    places = {*known, *packages(known)}
    return [name for name in files_to_place(root) if place_of(name, places) is None]


def untested(root: Path = ROOT) -> list[str]:
    """List modules without a test file of their own."""
    known = modules(root)
    places = {*known, *packages(known)}
    covered = {place_of(name, places) for name in files_to_place(root)}
    return [name for name in known if name not in covered]


def listed() -> list[str]:
    """Read the list."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [line.removesuffix(".py") for line in lines if line and not line.startswith("#")]


def text_of(names: Iterable[str]) -> str:
    """Format the list."""
    return HEAD + "".join(f"{name}.py\n" for name in names)


def main() -> int:
    """Rewrite the list."""
    LIST.write_text(text_of(untested()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
