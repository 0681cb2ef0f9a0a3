"""The cluster's configuration, object by object, and temporary reservations. Pure: no clock, no disk.

Callers pass random draws in.

`reservations` is the twin of `spec.reservations`; the configuration has no plain twin, and `impl.cluster` reads it for
jobs and queries. What is fast: objects are kept with their JSON texts in maps that versions share, so a change costs
time by what it changes. The plain reservations run in tests only.
"""
