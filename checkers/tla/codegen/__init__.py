"""Code generation: expressions and actions of TLA+ become Python functions."""
