"""Models: a module with its configuration, compiled to actions, invariants and properties.

`config` reads a configuration, `constants` binds it to the module, `model` compiles the formulas, `build` joins all of
it; `temporal` and `symmetry` prepare liveness and symmetry. It uses `codegen`, `values` and `parse`; `search` uses it.
Start with `build.build`.
"""
