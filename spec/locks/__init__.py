"""Locks, owners and waiting.

`names`, `model` and `errors` are the vocabulary that everybody may use; `rules` is the behaviour (the plain twin of
`impl.locks`), `peer` the one corner where Ganeti 3.0's own order of serving differs from it.

Source: Ganeti's design documents (design-daemons, design-opportunistic-locking) and its lock modules at 3.0.2.
"""
