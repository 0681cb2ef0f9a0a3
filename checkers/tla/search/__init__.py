"""The search: breadth-first exploration, workers, liveness, simulation, traces of counterexamples."""
