"""The output of a plan: commands, opcodes, report and pictures, and its execution as jobs.

`commands.job_sets` is the twin of `spec.allocator.squeeze.job_sets`; the rest has no plain twin and is compared with
what Ganeti's tools print and submit. Nothing here needs to be fast.
"""
