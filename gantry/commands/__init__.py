"""One module a command: `add_arguments(parser)` declares its options, `run(arguments)` returns its exit code."""
