"""Ports to the operating system's processes: live-locks, pid files, the spawner, the clock, traces.

There is no plain twin: the tests use real processes. What is fast: a job's process is forked from one that has imported
all it needs.
"""
