"""The daemon around the job queue: LUXI socket, files, job processes, watching. Only here are asyncio and clocks.

The core that it runs is `impl.queue`, whose plain twin is `spec.jobs`; `--trace` writes what the checkers validate
against that. What is fast: many jobs share one sync of the journal, and files are watched by notification.
"""
