"""Locks, owners and waiting.

`names`, `model` and `errors` are the vocabulary that every package may use; `rules` is the behaviour and `properties`
what must hold of it; `ganeti_order` is the order in which Ganeti 3.0 serves waiting requests where that differs.

Fast twin: `impl.locks` (indexes instead of searches).

Source: Ganeti's design documents (design-daemons, design-opportunistic-locking) and its lock modules at 3.0.2.
"""
