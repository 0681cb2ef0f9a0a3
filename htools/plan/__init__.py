"""What is made of a plan that was found: commands, opcodes, its report and pictures, and its execution as jobs."""
