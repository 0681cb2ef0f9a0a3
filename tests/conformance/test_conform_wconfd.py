"""`gantry conform wconfd`: ours conforms, Ganeti's to its own profile; a difference is found and shrunk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkers.conformance.daemons import ganeti_configuration, ganeti_is_installed, running
from checkers.conformance.histories import Action, Profile, generate
from checkers.conformance.wconfd import Driver, conform
from checkers.verdict import Illegal, Ok
from impl.paths import Root
from spec.locks import rules
from spec.locks.names import Level, Lock, Mode, Request
from tests.conftest import shared_directory
from tests.impl.wconfd.conftest import MINIMAL

NODE, NET_X, NET_Y = Lock(Level.NODE, 1, "n1"), Lock(Level.NETWORK, 1, "x"), Lock(Level.NETWORK, 1, "y")
JOB_1, MASTERD, A, JOB_30 = 0, 2, 3, 4
"""Places of owners; they are ordered a, masterd, 1, 30."""

CONSEQUENCES_FIRST = [
    Action(A, "tryUpdateLocks", ((Request(NODE, Mode.EXCLUSIVE),),)),
    Action(JOB_30, "tryUpdateLocks", ((Request(NET_X, Mode.EXCLUSIVE), Request(NET_Y, Mode.EXCLUSIVE)),)),
    Action(A, "updateLocksWaiting", (0, (Request(NODE, Mode.RELEASE), Request(NET_X, Mode.EXCLUSIVE)))),
    Action(MASTERD, "updateLocksWaiting", (0, (Request(NET_Y, Mode.EXCLUSIVE),))),
    Action(JOB_1, "updateLocksWaiting", (0, (Request(NODE, Mode.EXCLUSIVE), Request(NET_Y, Mode.EXCLUSIVE)))),
    Action(JOB_30, "freeLocks", ()),
]
"""Ganeti grants job 1's request, which the first grant made possible, before masterd's, which comes first in order."""


PASSED = [
    Action(A, "tryUpdateLocks", ((Request(NODE, Mode.SHARED),),)),
    Action(JOB_1, "updateLocksWaiting", (0, (Request(NODE, Mode.EXCLUSIVE),))),
    Action(JOB_30, "updateLocksWaiting", (0, (Request(NODE, Mode.SHARED),))),
]
"""The second sharer passes the one who waits; in fair mode it waits, too."""


@pytest.fixture(scope="module")
def ours() -> Iterator[Root]:
    with running("ours", MINIMAL) as (root, _pid):
        yield root


@pytest.fixture(scope="module")
def ganeti() -> Iterator[Root]:
    config = ganeti_configuration(shared_directory())
    if not ganeti_is_installed() or config is None:
        pytest.skip("needs Ganeti's wconfd and the shared inputs")
    with running("ganeti", config) as (root, _pid):
        yield root


def test_ours_conforms(ours: Root) -> None:
    verdict = conform(ours.wconfd_socket, ours.livelocks, "gantry", seed=5, steps=300)
    assert isinstance(verdict, Ok), verdict.witness.describe() if isinstance(verdict, Illegal) else verdict


def test_ours_conforms_in_fair_mode_and_only_there(ours: Root) -> None:
    with running("ours", MINIMAL, options=("--fair",)) as (root, _pid):
        verdict = conform(root.wconfd_socket, root.livelocks, "gantry-fair", seed=8, steps=200)
        assert isinstance(verdict, Ok), verdict.witness.describe() if isinstance(verdict, Illegal) else verdict
        assert outcome(root, "gantry", PASSED) is not None
        assert outcome(root, "gantry-fair", PASSED) is None
    assert outcome(ours, "gantry", PASSED) is None
    assert outcome(ours, "gantry-fair", PASSED) is not None


@pytest.mark.ganeti
def test_ganeti_conforms_to_its_own_profile(ganeti: Root) -> None:
    verdict = conform(ganeti.wconfd_socket, ganeti.livelocks, "ganeti-3.0", seed=6, steps=240)
    assert isinstance(verdict, Ok), verdict.witness.describe() if isinstance(verdict, Illegal) else verdict


def outcome(root: Root, profile: str, history: list[Action]) -> str | None:
    driver = Driver(root.wconfd_socket, root.livelocks, Profile(profile))
    try:
        found = driver.run(history)
    finally:
        driver.close()
    return None if found is None else found.describe()


@pytest.mark.ganeti
def test_ganeti_serves_the_consequences_of_a_grant_first(ganeti: Root) -> None:
    assert outcome(ganeti, "ganeti-3.0", CONSEQUENCES_FIRST) is None
    difference = outcome(ganeti, "gantry", CONSEQUENCES_FIRST)
    assert difference is not None
    assert 'expected {"answer": [], "signals": ["a", "masterd"]}' in difference
    assert 'but got  {"answer": [], "signals": [1, "a"]}' in difference


def test_ours_serves_in_order(ours: Root) -> None:
    assert outcome(ours, "gantry", CONSEQUENCES_FIRST) is None
    assert outcome(ours, "ganeti-3.0", CONSEQUENCES_FIRST) is not None


def test_a_difference_is_found_and_shrunk(ours: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification is made to say that shared requests conflict: two calls show that the daemon disagrees."""
    plain = rules.holders_in_the_way

    def stricter(held: object, owner: object, requests: object) -> object:
        harder = [Request(lock, Mode.EXCLUSIVE if mode else mode) for lock, mode in requests]  # type: ignore[attr-defined]
        return plain(held, owner, harder)  # type: ignore[arg-type]

    monkeypatch.setattr(rules, "holders_in_the_way", stricter)
    verdict = conform(ours.wconfd_socket, ours.livelocks, "gantry", seed=5, steps=600)
    assert isinstance(verdict, Illegal)
    assert len(verdict.witness.exchanges) == 2
    assert verdict.witness.describe().count("but got") == 1


def test_histories_are_the_same_for_a_seed() -> None:
    import random

    assert generate(random.Random(3), 50) == generate(random.Random(3), 50)


def test_no_reach_is_no_verdict(tmp_path: Path) -> None:
    verdict = conform(str(tmp_path / "nobody"), str(tmp_path), "gantry", seed=1, steps=1)
    assert not isinstance(verdict, Ok | Illegal)
