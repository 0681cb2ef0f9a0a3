"""What `gantry job` is made of: its arguments, a patient LUXI client, and the display of jobs."""
