"""Wconfd: the daemon of locks and configuration. `core` is pure; the rest is the only place with clocks and sockets."""
