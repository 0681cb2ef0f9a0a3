"""The specification's systems within bounds: the owners, locks, jobs and events that the explorer tries.

`locks`, `jobs` and `store` serve exhaustive and lock-step exploration of `spec` (and `impl`); `locks_world`,
`jobs_world` and `store` mirror the modules in `tla/` for `checkers.refinement`. Start with `locks.Bounds` and
`locks.explored`.
"""
