"""Conformance: drives any daemon that speaks the protocol over its socket, and compares the answers with `spec`.

`wconfd` performs and shrinks the histories that `histories` generates (pure); `luxid` runs fixed scenarios on
`session`; `daemons` starts a wconfd, ours or Ganeti's. Start with `session` and `luxid`.
"""
