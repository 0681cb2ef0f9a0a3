"""The search: breadth-first exploration, workers, liveness, simulation, traces of counterexamples.

`state_graph` holds options and results, `explore` searches, alone or with `workers`; `liveness` checks the graph with
`automaton` and `components`; `check` runs all of it. It is the top layer: it uses `model` and what is below.
Start with `check.check`.
"""
