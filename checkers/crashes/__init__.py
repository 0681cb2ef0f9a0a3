"""Crashes: every stop of a store's writes on a simulated disk, and what a restart finds there (`spec.store`)."""
