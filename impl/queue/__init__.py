"""The job queue's pure core and the codec of its files. Nothing here knows a socket, a clock or a process."""
