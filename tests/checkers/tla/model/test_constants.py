"""Names of a configuration mean those of the root module, not those of the modules that it instances."""

from pathlib import Path

import pytest

from checkers.tla.errors import TlaConfigError
from tests.checkers.tla.specs import run

ROOM = """---- MODULE Room ----
EXTENDS Naturals
CONSTANT size
VARIABLE used
width == size
seats == width * 2
Fill(k) == <<k, width, used>>
Sum(bed) == LET bath == bed + 1 IN bath + (CHOOSE tap \\in {5} : TRUE)
===="""
HIDES = """---- MODULE Hides ----
LOCAL secret == 1
shown == <<secret>>
===="""
PLAIN = """---- MODULE Plain ----
width == 1
seats == <<width>>
===="""
HOUSE = """---- MODULE House ----
CONSTANT size
VARIABLE used
hall == INSTANCE Room WITH size <- 50
INSTANCE Room WITH size <- 60
both == <<hall!width, width>>
===="""
COUNT = """---- MODULE Count ----
LOCAL INSTANCE Naturals
Known == 5 \\in Nat
===="""
SHARED_COUNT = COUNT.replace("LOCAL ", "").replace("MODULE Count", "MODULE SharedCount")
MODULES = {"Room": ROOM, "Hides": HIDES, "Plain": PLAIN, "House": HOUSE, "Count": COUNT, "SharedCount": SHARED_COUNT}
ROOT = """---- MODULE Spec ----
EXTENDS Naturals{extends}
VARIABLE w
Init == w = 0
Next == w' = 1 - w
Ten == 10
Double(k) == k + k
Zero == {{0}}
{body}
Right == {formula}
===="""
SMALL = "R == INSTANCE Room WITH size <- 30, used <- w"

CASES: dict[str, tuple[str, str, list[str], list[str]]] = {
    "a constant and a definition of an instanced module": (
        f"CONSTANT width\n{SMALL}", "CONSTANT width = 7",
        ["width = 7", "R!width = 30", "R!seats = 60", "R!Fill(width) = <<7, 30, w>>"], ["R!width = 7", "R!seats = 14"],
    ),
    "a constant that a definition replaces": (
        f"CONSTANT width\n{SMALL}", "CONSTANT width <- Ten",
        ["width = 10", "R!seats = 60"], ["R!width = 10", "R!seats = 20"],
    ),
    "a definition with a value, and another of its name": (
        f"width == 3\n{SMALL}", "CONSTANT width = 7", ["width = 7", "R!width = 30", "R!seats = 60"], ["width = 3"],
    ),
    "a definition that another one replaces, and another of its name": (
        f"width == 3\n{SMALL}", "CONSTANT width <- Ten", ["width = 10", "R!seats = 60"], ["R!seats = 20"],
    ),
    "an operator with arguments": (
        f"Fill(k) == 0\n{SMALL}", "CONSTANT Fill <- Double",
        ["Fill(4) = 8", "R!Fill(4) = <<4, 30, w>>"], ["Fill(4) = 0"],
    ),
    "a constant operator": (
        f"CONSTANT Fill(_)\n{SMALL}", "CONSTANT Fill <- Double", ["Fill(4) = 8", "R!Fill(4) = <<4, 30, w>>"], [],
    ),
    "a constant operator with a table": (
        f"CONSTANT Fill(_)\n{SMALL}", "CONSTANT Fill(4) = 9", ["Fill(4) = 9", "R!Fill(4) = <<4, 30, w>>"], [],
    ),
    "a definition replaced by one of the library": (
        f"width == 3\n{SMALL}", "CONSTANT width <- Nat", ["width = Nat", "R!width = 30"], ["7 \\notin width"],
    ),
    "a name that only the instanced module has": (SMALL, "CONSTANT width = 7", ["R!width = 30"], ["R!width = 7"]),
    "a constant of the instanced module's, under its own substitution": (
        f"CONSTANT size\n{SMALL}", "CONSTANT size = 7", ["size = 7", "R!width = 30"], ["R!width = 7"],
    ),
    "a substitution that names a replaced definition": (
        "size == 3\nR == INSTANCE Room WITH used <- w", "CONSTANT size = 7", ["R!width = 7"], ["R!width = 3"],
    ),
    "a parameter of an instance": (
        "CONSTANT width\nR(size) == INSTANCE Room WITH used <- w", "CONSTANT width = 7",
        ["R(4)!width = 4", "\\A k \\in 1..3 : R(k)!seats = k + k"], ["R(4)!width = 7"],
    ),
    "an instance in LET": (
        "width == 3", "CONSTANT width = 7",
        ["LET R == INSTANCE Room WITH size <- width, used <- w IN R!width = 7 /\\ R!seats = 14",
         "LET R == INSTANCE Room WITH size <- 4, used <- w IN R!width = 4"], [],
    ),
    "a parameter, a definition in LET and a bound name of the instanced module": (
        f"CONSTANTS bed, bath, tap\n{SMALL}", "CONSTANTS bed = 7 bath <- Ten tap = 9",
        ["R!Sum(1) = 7", "R!Sum(bed + bath + tap) = 32"], ["R!Sum(1) = 12"],
    ),
    "instances within an instance": (
        "CONSTANT width\nH == INSTANCE House WITH size <- 1, used <- w", "CONSTANT width = 7",
        ["H!hall!width = 50", "H!hall!seats = 100", "H!both = <<50, 60>>", "H!seats = 120"], ["H!hall!seats = 14"],
    ),
    "an unnamed instance: what the root module sees is replaced, not what the module uses": (
        "INSTANCE Room WITH size <- 30, used <- w", "CONSTANT width = 7",
        ["width = 7", "seats = 60", "Fill(1) = <<1, 30, w>>"], ["width = 30", "seats = 14"],
    ),
    "an unnamed instance of one that has an unnamed instance": (
        "INSTANCE House WITH size <- 30, used <- w", "CONSTANT width = 7",
        ["width = 7", "both = <<50, 60>>", "hall!width = 50"], ["seats = 14"],
    ),
    "the same module instanced twice without a name": (
        "INSTANCE Room WITH size <- 30, used <- w\nH == INSTANCE House WITH size <- 30, used <- w",
        "CONSTANT width = 7", ["width = 7", "H!width = 60"], ["H!width = 7"],
    ),
    "an imported definition is the root module's own": (
        "P == INSTANCE Plain", "CONSTANT width = 7",
        ["width = 7", "seats = <<7>>", "P!width = 1", "P!seats = <<7>>"], ["seats = <<1>>"],
    ),
    "so is that of an unnamed instance without parameters": (
        "INSTANCE Plain", "CONSTANT width = 7", ["width = 7", "seats = <<7>>"], ["seats = <<1>>"],
    ),
    "but not if the instance is local": (
        "LOCAL INSTANCE Plain", "CONSTANT width = 7", ["width = 7", "seats = <<1>>"], ["seats = <<7>>"],
    ),
    "a local definition of an imported module": (
        "secret == 2", "CONSTANT secret = 7", ["secret = 7", "shown = <<1>>"], ["shown = <<7>>"],
    ),
    "the library, in a module that instances it for itself": (
        "C == INSTANCE Count", "CONSTANT Nat <- Zero", ["Nat = {0}", "C!Known"], ["5 \\in Nat"],
    ),
    "the library, in a module that hands it on": (
        "C == INSTANCE SharedCount", "CONSTANT Nat <- Zero", ["Nat = {0}", "5 \\in C!Nat"], ["C!Known"],
    ),
    "a module of the library, everywhere": (
        "C == INSTANCE Count", "CONSTANT Nat <- [Naturals] Zero", ["Nat = {0}"], ["C!Known"],
    ),
    "a definition of one module, wherever it is used": (
        f"CONSTANT width\n{SMALL}\nH == INSTANCE House WITH size <- 1, used <- w",
        "CONSTANTS width = 7 width <- [Room] Ten",
        ["width = 7", "R!width = 10", "R!seats = 20", "H!both = <<10, 10>>", "H!hall!seats = 20"], ["R!width = 30"],
    ),
    "the same with a value": (
        f"CONSTANT width\n{SMALL}", "CONSTANTS width = 7 width = [Room] 8",
        ["width = 7", "R!width = 8", "R!seats = 16"], ["R!width = 7"],
    ),
    "what a module brings by an unnamed instance, as that module's": (
        f"{SMALL}\nH == INSTANCE House WITH size <- 1, used <- w", "CONSTANT width <- [House] Ten",
        ["H!both = <<50, 10>>", "H!width = 10", "H!seats = 120", "R!width = 30"], ["H!hall!width = 10"],
    ),
    "a definition by the instance's name": (
        f"CONSTANT width\n{SMALL}\nQ == INSTANCE Room WITH size <- 40, used <- w",
        "CONSTANTS width = 7 R!width = 8",
        ["width = 7", "R!width = 8", "R!seats = 60", "Q!width = 40"], ["R!width = 30"],
    ),
    "a value for a definition that replaces another": (
        f"CONSTANT width\n{SMALL}", "CONSTANTS Ten = 11 width <- Ten", ["width = 11", "R!width = 30"], ["width = 10"],
    ),
    "a value for a variable is nobody's": ("", "CONSTANT w = 7", ["w \\in {0, 1}"], ["w = 7"]),
}  # fmt: skip

IMPORTED = {
    "an imported definition is the root module's own": ", Plain",
    "a local definition of an imported module": ", Hides",
}


def verdict(folder: Path, case: str, formula: str) -> str:
    body, config, _, _ = CASES[case]
    text = ROOT.format(extends=IMPORTED.get(case, ""), body=body, formula=formula)
    return run(folder, text, f"INIT Init NEXT Next INVARIANT Right {config}", None, **MODULES).verdict


@pytest.mark.parametrize("case", CASES)
def test_names_of_the_configuration_are_those_of_the_root_module(tmp_path: Path, case: str) -> None:
    _, _, right, wrong = CASES[case]
    for formula in right:
        assert verdict(tmp_path, case, formula) == "ok", formula
    for formula in wrong:
        assert verdict(tmp_path, case, formula) == "invariant", formula


def test_a_definition_of_the_next_state_relation(tmp_path: Path) -> None:
    """The root module's step is replaced, the step of an instanced module is not."""
    lamp = "---- MODULE Lamp ----\nEXTENDS Naturals\nVARIABLE w\nStep == w' = 1 - w\nGo == Step\n===="
    text = """---- MODULE Spec ----
EXTENDS Naturals
VARIABLE w
L == INSTANCE Lamp
Init == w = 0
Step == w' = w + 1
Stay == w' = w
Own == Step
Other == L!Go
===="""
    config = "INIT Init CONSTANT Step <- Stay CHECK_DEADLOCK FALSE NEXT "
    assert run(tmp_path, text, config + "Own", Lamp=lamp).figures.distinct == 1
    assert run(tmp_path, text, config + "Other", Lamp=lamp).figures.distinct == 2


@pytest.mark.parametrize(
    ("body", "config"),
    [
        (SMALL, "CONSTANT width <- Ten"),  # the replaced name must exist
        (f"CONSTANT k\n{SMALL}", "CONSTANT k <- seats"),  # the replacement must be one of the root module
        (SMALL, "CONSTANT w <- Ten"),  # variables are not replaced
        ("CONSTANT k", "CONSTANT k <- w"),
        ("CONSTANT k", "CONSTANTS k <- Ten Ten <- Double"),
        ("Other == 4\nCONSTANT k", "CONSTANTS k <- Ten Ten <- Other"),  # TLC refuses a chain
        (SMALL, "INVARIANT seats"),
        (SMALL, "CONSTANT seats = [Rooms] 3"),
        (SMALL, "CONSTANT beds = [Room] 3"),
        ("R(size) == INSTANCE Room WITH used <- w", "CONSTANT R!width = 3"),
    ],
)
def test_names_that_the_root_module_does_not_have_are_refused(tmp_path: Path, body: str, config: str) -> None:
    text = ROOT.format(extends="", body=body, formula="TRUE")
    with pytest.raises(TlaConfigError):
        run(tmp_path, text, f"INIT Init NEXT Next {config}", None, **MODULES)
