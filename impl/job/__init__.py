"""The job process: takes a job over from luxid, acquires locks, runs opcodes, writes down what becomes of them.

`life` is the pure core (what each event makes of a job), `units` say what each opcode does, `process` is the only
module that touches clocks, signals and sockets.
"""
