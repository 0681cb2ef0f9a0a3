"""The output of a plan: commands, opcodes, report and pictures, and its execution as jobs."""
