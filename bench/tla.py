"""The TLA+ checker: distinct states per CPU second and bytes per state, on our models of 10^4 to 10^6 states."""

import multiprocessing
import time
from pathlib import Path

from checkers.tla import load
from checkers.tla.limits import memory_used
from checkers.tla.search.check import check
from checkers.tla.search.state_graph import Options

MODELS = Path(__file__).resolve().parents[1] / "tla" / "bench"
_LOCKS = "CONSTANTS Owner = {{a, b, c}} Lock = {{l, m}} Lives = {lives}\nSPECIFICATION Spec\n"
RUNS = (
    ("Mailboxes", "CONSTANT Size = 6\nSPECIFICATION Spec\nINVARIANTS Known Sound"),
    ("LockTable", _LOCKS.format(lives=0) + "INVARIANTS TypeOK Exclusion OnceEach"),
    ("LockTable", _LOCKS.format(lives=1) + "INVARIANTS TypeOK Exclusion OnceEach"),
    ("Grid", "CONSTANTS Counter = {a, b, c, d, e} Top = 40 Drift = 8\nSPECIFICATION Spec\nINVARIANT Near"),
)
_MEBIBYTE = 1 << 20


def measure(name: str, config: str) -> tuple[str, int, int, float, float]:
    """Explore one model; returns its verdict, distinct and generated states, CPU seconds and bytes a state."""
    specification = load(MODELS / f"{name}.tla")
    model = specification.model(config)
    before, started = memory_used(), time.process_time()
    outcome = check(model, Options(check_deadlock=False))
    seconds = time.process_time() - started
    figures = outcome.figures
    size = (memory_used() - before) * _MEBIBYTE / max(figures.distinct, 1)
    return outcome.verdict, figures.distinct, figures.generated, seconds, size


def main() -> None:
    """Print one line for each model; each runs in a separate process, so that its memory can be measured."""
    print(f"{'model':<10} {'distinct':>10} {'generated':>10} {'CPU s':>7} {'states/CPU s':>13} {'bytes/state':>12}")
    context = multiprocessing.get_context("spawn")
    for name, config in RUNS:
        with context.Pool(1) as pool:
            verdict, distinct, generated, seconds, size = pool.apply(measure, (name, config))
        rate = distinct / seconds
        print(f"{name:<10} {distinct:>10,} {generated:>10,} {seconds:>7.1f} {rate:>13,.0f} {size:>12.0f}  {verdict}")


if __name__ == "__main__":
    main()
