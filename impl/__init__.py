"""The control plane: pure cores, codecs without I/O, ports with their adapters, and the daemons around them.

The plain twins of the cores are `spec.locks`, `spec.jobs`, `spec.store` and `spec.reservations`. The daemons never run
them: checkers and tests run both side by side. Each package's first lines name its twin.
"""
