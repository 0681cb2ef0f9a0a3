"""`python -m bench`: run every benchmark here, or those named, one after the other."""

import argparse
import importlib
import pkgutil

import bench

NO_BENCHMARK = {"daemons"}
"""Modules that other benchmarks use."""


def main() -> int:
    """Run the benchmarks and return 0."""
    known = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))
    known = [name for name in known if name not in NO_BENCHMARK]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure our programs beside Ganeti's.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all, or some of: {', '.join(known)}")
    names = parser.parse_args().names
    for name in names:
        if name not in known:
            parser.error(f"no benchmark '{name}': there are {', '.join(known)}")
    for name in names or known:
        print(f"== {name}", flush=True)
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
