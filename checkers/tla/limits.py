"""Limits of the running process: memory used, and depth of recursion."""

import os
import resource
import sys

_PAGE = resource.getpagesize()
RECURSION = 60_000
"""How many Python frames a recursive operator may need; frames of generated code are on the heap."""


def memory_used() -> int:
    """Measure the process's resident memory in MiB (its peak where the system gives no current figure)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE // (1 << 20)
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def private_memory(pid: int) -> int:
    """Measure the memory in MiB that a process shares with no other; 0 where the system gives no figure."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Private_")) >> 10
    except OSError:
        return 0


def allow_recursion() -> None:
    """Raise Python's recursion limit for recursive operators."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION))


__all__ = ["RECURSION", "allow_recursion", "memory_used", "os"]
