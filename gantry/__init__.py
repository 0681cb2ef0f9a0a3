"""The command `gantry`: options, calls of the other packages, and printing; one module for each command."""
