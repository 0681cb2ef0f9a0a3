"""What is known of the running process: its memory, what it shares with no other, and the depth of recursion."""

import builtins
import os
import sys
from typing import Any

import pytest

from checkers.tla import limits


def test_memory_is_counted_in_mib() -> None:
    with open("/proc/self/status", encoding="ascii") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    assert abs(limits.memory_used() - resident / 1024) < 0.1 * resident / 1024 + 2


def test_private_memory_grows_with_what_is_written() -> None:
    before = limits.private_memory(os.getpid())
    kept = bytearray(b"x") * (64 << 20)
    assert 60 <= limits.private_memory(os.getpid()) - before <= 70
    assert len(kept) == 64 << 20
    assert limits.private_memory(2**22 + 1) == 0


def test_without_proc_the_peak_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    now = limits.memory_used()

    def refuse(*_: Any, **__: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(builtins, "open", refuse)
    assert limits.memory_used() >= now - 1
    assert limits.private_memory(os.getpid()) == 0


def test_recursion_is_raised_and_never_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[int] = []
    monkeypatch.setattr(sys, "setrecursionlimit", set_to.append)
    for known in (1000, limits.RECURSION + 1):
        monkeypatch.setattr(sys, "getrecursionlimit", lambda known=known: known)
        limits.allow_recursion()
    assert set_to == [limits.RECURSION, limits.RECURSION + 1]
