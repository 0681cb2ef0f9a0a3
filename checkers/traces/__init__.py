"""Traces of running daemons, replayed against the specification: `spec.locks.rules`, `spec.jobs.queue`."""
