"""The demonstration: a cluster of processes, views of its state, their display, and the checks."""
