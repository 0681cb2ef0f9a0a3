"""Every row of the admission rule, changed in turn, in each check that is made from it.

A row is dropped, made lax or strict, soft or hard, or gives another reason: the edge cases written by hand must show
it. `test_limit_bugs` does so for the vectors of balancing.
"""

from dataclasses import replace
from typing import Any

import pytest

from htools.balance import explain
from htools.model import admission as compiled
from htools.placement import admission as vectors
from spec.allocator import accounts
from spec.allocator.admission import AS_PRIMARY, AS_SECONDARY, Condition, Figure, Limit
from spec.allocator.decisions import FailMode
from tests.spec.allocator.test_admission import ASKED, EDGES, unmirrored, wrong

Table = tuple[tuple[Condition, ...], tuple[Condition, ...]]


def tables() -> dict[str, tuple[Condition, str, Table]]:
    """Return name → the row changed, how, and both tables with the change."""
    made: dict[str, tuple[Condition, str, Table]] = {}
    for title, conditions in (("runs", AS_PRIMARY), ("mirrors", AS_SECONDARY)):
        for at, row in enumerate(conditions):
            changed: dict[str, tuple[Condition, ...]] = {
                "dropped": (),
                "lax" if row.strict else "strict": (replace(row, strict=not row.strict),),
                "hard" if row.soft else "soft": (replace(row, soft=not row.soft),),
                "for another reason": (replace(row, mode=FailMode.INTERNAL),),
            }
            changed |= {f"asked without {each.name}": (without(row, each),) for each in row.only}
            if row.kept is not None:
                changed["with nothing kept"] = (replace(row, kept=None),)
            for how, by in changed.items():
                both = (*conditions[:at], *by, *conditions[at + 1 :])
                name = f"{title}: {'planned ' if row.planned else ''}{row.limit.value} {how}"
                made[name] = (row, how, (both, AS_SECONDARY) if conditions is AS_PRIMARY else (AS_PRIMARY, both))
    return made


def without(row: Condition, only: Any) -> Condition:
    return replace(row, only=tuple(each for each in row.only if each is not only))


TABLES = tables()


def plant(patch: pytest.MonkeyPatch, name: str, tables: Table) -> None:
    """Make one of the checks from another table."""
    if name == "model":
        for known, conditions in ((compiled.PRIMARY, tables[0]), (compiled.SECONDARY, tables[1])):
            for force in (False, True):
                patch.setitem(known, force, compiled.compiled(conditions, force=force))
        return
    if name == "vectors":
        patch.setattr(vectors, "PRIMARY", vectors.coded_primary(tables[0]))
        patch.setattr(vectors, "SECONDARY", vectors.coded_secondary(tables[1]))
        return
    module = {"definition": accounts, "explanation": explain}[name]
    patch.setattr(module, "AS_PRIMARY", tables[0])
    patch.setattr(module, "AS_SECONDARY", tables[1])


def shows(name: str, row: Condition, how: str) -> bool:
    """Return whether a change could show where it is planted."""
    if name == "explanation":
        return not (row.limit is Limit.TAGS and how == "strict")  # it names no tag then
    if name == "vectors":
        # Secondaries are never forced, pairs are checked elsewhere, and no instance is forthcoming here.
        implied = row.limit is Limit.SECOND_COPY and (row.planned or how == "dropped")
        return not (implied or row.need is Figure.RESERVED_AFTER or (row in AS_SECONDARY and how in {"hard", "soft"}))
    return True


def found(name: str) -> bool:
    """Return whether a result is wrong; a refusal for a tag that is not there cannot be expressed."""
    try:
        return bool(unmirrored(name)) or any(wrong(name, edge) for edge in EDGES.values())
    except IndexError:
        return True


EQUAL = {"asked without NEW_DISKS", "asked without LOCAL_DISKS"}
"""Changes that another test finds, or that no test can: only instances with local disks are mirrored."""


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (name, title)
        for name in ASKED
        for title, (row, how, _) in TABLES.items()
        if how not in EQUAL and shows(name, row, how)
    ],
)
def test_each_row_decides(name: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, name, TABLES[change][2])
    assert found(name)
