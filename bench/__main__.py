"""`python -m bench`: run every benchmark module here, or those named, one after the other."""

import importlib
import pkgutil
import sys

import bench


def main() -> int:
    """Run the benchmarks and return 0."""
    names = sys.argv[1:] or sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if not m.name.startswith("_"))
    for name in names:
        print(f"== {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
