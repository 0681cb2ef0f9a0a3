"""Jobs and their queue.

`model`, `events` and `opcode_events` are the vocabulary that every package may use. `rules` derives status and priority
from one job, `filters` defines which jobs are held back, `queue` the behaviour of luxid's queue, `life` that of a job
in its own process, `properties` what must hold of the queue.

Fast twins: `impl.queue` (indexes instead of searches) and `impl.job.life`.
"""
