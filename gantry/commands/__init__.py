"""One module for each command: `run(arguments)` does the work and returns the exit code (options: `gantry.options`)."""
