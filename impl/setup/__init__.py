"""Making a cluster: its first configuration, its root directory, and the starting and stopping of its daemons.

There is no plain twin: the configuration is checked against Ganeti's wconfd, the daemons by running them. Nothing here
needs to be fast.
"""
