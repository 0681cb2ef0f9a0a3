"""The allocator: one module for each program, and packages for the shared code.

`model`, `balance`, `placement`, `capacity`, `iallocator` and `maintenance` are fast twins of `spec.allocator`; each
says what is fast and when the plain code is used (the sizes are in `limits`). The other packages have none, but for
`plan.commands.job_sets`.
"""
