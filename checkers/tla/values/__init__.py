"""TLA+ values at run time: sets, functions, equality, order, the standard modules.

`values` says how values are held, `sets` adds sets without a list of elements, `equality` and `order` follow TLC.
`helpers`, `constructors`, `arithmetic` and `standard_modules` are called by the code that `codegen` generates.
Start with `values`; the package imports nothing of the checker but its errors.
"""
