"""wconfd, the daemon of locks and configuration. `core` is pure; only `daemon` and what it runs use clocks and sockets.

The cores that it runs are `impl.locks` (twin: `spec.locks`), `impl.config` and `impl.store` (twin: `spec.store`);
`--trace` writes what the checkers validate against them. What is fast: calls are performed in memory, and those that
arrive while a batch is written share the next one.
"""
