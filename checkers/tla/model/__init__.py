"""A model: a module, its configuration and constants, compiled to actions, invariants and properties."""
