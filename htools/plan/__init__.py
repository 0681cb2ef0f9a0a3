"""A plan once it is found: commands, opcodes, its report and pictures, and its execution as jobs."""
