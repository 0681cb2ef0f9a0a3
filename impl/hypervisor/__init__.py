"""The hypervisors of the nodes, behind a port. The embedded default reads and keeps all it knows in the configuration.

There is no plain twin: what a node can hold is `spec.allocator`'s subject, and nothing here decides it. What is fast: a
node's figures are summed once per configuration.
"""
