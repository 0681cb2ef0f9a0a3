"""The demonstration: a stage with real processes, what can be seen on it, how that is shown, and what is verified."""
