"""Small specifications of the project's own, with the figures that TLC gives for them."""

from pathlib import Path

from checkers.tla import load
from checkers.tla.search.check import Outcome, check
from checkers.tla.search.state_graph import Options

COUNTER = """---- MODULE Spec ----
EXTENDS Naturals
CONSTANTS Top, Fail
VARIABLES n, mode
Init == n = 0 /\\ mode \\in {"up", "down"}
Up == mode = "up" /\\ n < Top /\\ n' = n + 1 /\\ UNCHANGED mode
Down == mode = "down" /\\ n > 0 /\\ n' = n - 1 /\\ UNCHANGED mode
Turn == mode' = (IF mode = "up" THEN "down" ELSE "up") /\\ UNCHANGED n
Forget == Fail /\\ mode = "up" /\\ n' = 0
Next == Up \\/ Down \\/ Turn \\/ Forget
vars == <<n, mode>>
Spec == Init /\\ [][Next]_vars
Fair == Spec /\\ WF_vars(Up) /\\ WF_vars(Turn)
Strong == Spec /\\ SF_vars(Up)
Small == n <= 2
Low == n < 2
Steps == [][n' - n <= 1 /\\ n - n' <= 1]_n
NoDrop == [][n' >= n]_vars
Reaches == <>(n = Top)
Often == []<>(mode = "up")
Settles == <>[](n = Top)
Leads == (n = 0) ~> (n = 1)
Hidden == n
===="""

RING = """---- MODULE Spec ----
EXTENDS FiniteSets, TLC
CONSTANTS Node, Nobody
VARIABLES owner, wants
Init == owner = Nobody /\\ wants = {}
Want(i) == i \\notin wants /\\ wants' = wants \\cup {i} /\\ UNCHANGED owner
Take(i) == owner = Nobody /\\ i \\in wants /\\ owner' = i /\\ wants' = wants \\ {i}
Drop == owner # Nobody /\\ owner' = Nobody /\\ UNCHANGED wants
Next == (\\E i \\in Node : Want(i) \\/ Take(i)) \\/ Drop
vars == <<owner, wants>>
Spec == Init /\\ [][Next]_vars
Perms == Permutations(Node)
Free == owner = Nobody \\/ owner \\notin {}
Served == \\A i \\in Node : (i \\in wants) ~> (owner = i)
Weak == Spec /\\ WF_vars(Drop) /\\ \\A i \\in Node : WF_vars(Take(i))
Strong == Spec /\\ WF_vars(Drop) /\\ \\A i \\in Node : SF_vars(Take(i))
===="""


def run(folder: Path, text: str, config: str, options: Options | None = None, **others: str) -> Outcome:
    """Check a specification given as text; `others` are further modules by name."""
    (folder / "Spec.tla").write_text(text, encoding="utf-8")
    for name, module in others.items():
        (folder / f"{name}.tla").write_text(module, encoding="utf-8")
    specification = load(folder / "Spec.tla")
    chosen = specification.config(config)
    return check(specification.model(chosen), options or Options(check_deadlock=chosen.check_deadlock))


def figures(outcome: Outcome) -> tuple[str, int, int, int]:
    """Return the figures compared with TLC: verdict, distinct and generated states, depth."""
    found = outcome.figures
    return outcome.verdict, found.distinct, found.generated, found.depth


Expected = tuple[str, str, tuple[str, int, int, int] | tuple[str, int]]
"""A module's body, a configuration, and TLC's result: all figures, or the verdict and the length of the trace."""


def agrees(folder: Path, body: str, config: str, expected: tuple[str, int, int, int] | tuple[str, int]) -> None:
    """Check that a specification gives TLC's result."""
    outcome = run(folder, f"---- MODULE Spec ----{body}====\n", config)
    if len(expected) == 4:
        assert figures(outcome) == expected
    else:
        assert (outcome.verdict, len(outcome.violations[0].trace)) == expected
