"""Parts of `gantry job`: reading its arguments, a LUXI client that waits for restarts, and the display of jobs."""
