"""Jobs and their queue.

`model`, `events` and `opcode_events` are the vocabulary that everybody may use; `rules` is what follows from one job,
`filters` which jobs are held back, `queue` the behaviour of luxid's queue, `life` that of a job in its own process,
`properties` what must hold of the queue.

Fast twins: `impl.queue` (indexes instead of searches) and `impl.job.life`.
"""
