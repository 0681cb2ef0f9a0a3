"""Code generation: turns expressions and actions of TLA+ into Python functions.

`frames` and `program` hold the generated text, `levels` finds what can be computed beforehand, `generate.Generator`
joins the parts for expressions (`logic`, `binders`, `functions`, `operators`, `builtins`); `actions`, `recursion`
and `splitting` add actions. It uses `parse` and `values`; `model` uses it. Start with `frames`, then `generate`.
"""
