"""Ports to the operating system's processes: live-locks, their deaths, and the starting of jobs."""
