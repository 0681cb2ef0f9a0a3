"""The specification's systems on bounds: which owners, locks, jobs and events the explorer tries."""
