"""The command `gantry`: arguments and presentation only, one module a command."""
