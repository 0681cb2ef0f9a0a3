"""TLA+ values at run time: sets, functions, equality, order, the standard modules."""
