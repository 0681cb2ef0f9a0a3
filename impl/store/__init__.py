"""Durable state of wconfd: the port, the embedded adapter on SQLite, and the snapshots in Ganeti's own formats."""
