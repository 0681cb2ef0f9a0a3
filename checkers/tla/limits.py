"""What the running process uses."""

import os
import resource
import sys

_PAGE = resource.getpagesize()
RECURSION = 60_000
"""Python frames that a recursive operator may need; the frames of generated code live on the heap."""


def memory_used() -> int:
    """The process's resident memory in MiB (where the system does not tell, its peak)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE // (1 << 20)
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def private_memory(pid: int) -> int:
    """The memory in MiB that a process shares with no other one; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Private_")) >> 10
    except OSError:
        return 0


def allow_recursion() -> None:
    """Let recursive operators go deep."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION))


__all__ = ["RECURSION", "allow_recursion", "memory_used", "os"]
