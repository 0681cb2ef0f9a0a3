"""The job queue's pure core and the codec of its files, twin of `spec.jobs`: no socket, no clock, no process.

`queue` answers what `spec.jobs.queue` does, `filters` what `spec.jobs.filters` does, `status` and `transitions` what
`spec.jobs.rules` does. What is fast: the queue is changed in place and finds the next job, dependents and full rate
limits by indexes; the plain queue is a value, and each of its steps scans all jobs. The plain one runs in checkers and
tests only.
"""
