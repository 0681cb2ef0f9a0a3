"""The daemon around the job queue: LUXI socket, files, job processes, watching. Only here are asyncio and clocks."""
