"""Plans of moves: `model` is their vocabulary, `safety` defines when a plan is safe.

Fast twin: `checkers.plans`, which decides with z3 over every order that a plan allows.
"""
