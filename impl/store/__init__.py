"""Durable state of wconfd, twin of `spec.store`: the port, the embedded adapter on SQLite, copies for other machines.

`spec.store` says which state may be found after a crash; `checkers.crashes.store` stops the real adapter at every write
and compares. What is fast: a batch costs one sync, and its cost follows what changed. The specification keeps no data
and cannot serve in its place.
"""
