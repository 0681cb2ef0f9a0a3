"""Exploration: every state of a `step` function within bounds, and two such functions in lockstep."""
