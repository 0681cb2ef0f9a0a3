"""The tree of the site: which pages it has, in which order. `…` marks stand for parts that are made from the code."""

from collections.abc import Mapping, Sequence

WRITTEN: Mapping[str, Sequence[str]] = {
    "Start": ("index.md", "tutorial.md"),
    "How to": (
        "how-to/operators.md",
        "how-to/implementers.md",
        "how-to/plan-auditors.md",
        "how-to/learners.md",
    ),
    "Reference": (
        "hbal.md",
        "plan-format.md",
        "wconfd.md",
        "opcodes.md",
        "tla-subset.md",
        "conformance.md",
        "security.md",
    ),
    "Protocols": (
        "protocols/index.md",
        "protocols/luxi.md",
        "protocols/wconfd.md",
        "protocols/job-process.md",
        "protocols/queue-files.md",
        "protocols/iallocator.md",
        "protocols/text-format.md",
        "protocols/opcode-parameters.md",
    ),
    "Architecture": (
        "architecture/index.md",
        "architecture/states.md",
        "architecture/spec.md",
        "architecture/impl.md",
        "architecture/htools.md",
        "architecture/checkers.md",
        "architecture/gantry.md",
        "score-bound.md",
    ),
}
"""The pages that are written by hand, below `docs/`, by part of the navigation."""

INTRODUCTIONS = ("specification/index.md", "claims/index.md", "adr/index.md")
"""Hand-written beginnings of pages whose rest is made from the code."""

OUTSIDE: Mapping[str, tuple[str, str]] = {
    "tla/README.md": ("specification/tla/index.md", "About the TLA+ modules"),
    "CONTRIBUTING.md": ("project/contributing.md", "Contributing"),
    "tests/README.md": ("project/tests.md", "Tests"),
    "CHANGELOG.md": ("project/changelog.md", "Changelog"),
}
"""Pages that lie elsewhere in the tree: their place on the site and their title."""


def written() -> list[str]:
    """Return every hand-written page below `docs/` but the decision records."""
    return [path for paths in WRITTEN.values() for path in paths] + list(INTRODUCTIONS)
