"""Plans of moves: `model` is what they are made of, `safety` when a plan is safe.

Fast twin: `checkers.plans`, which decides with z3 over every order that a plan allows.
"""
