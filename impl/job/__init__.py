"""The job process: takes a job over from luxid, acquires locks, runs opcodes, writes what becomes of them to the file.

`life` is the pure core (what each event makes of a job) and the twin of `spec.jobs.life`, which runs in checkers and
tests only. `units` say what each opcode does; `process` is the only module with clocks, signals and sockets. What is
fast: a job's locks are asked for in one request, and its process is forked with everything imported.
"""
