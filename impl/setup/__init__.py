"""Making a cluster: its first configuration, its root, and the starting and stopping of its daemons."""
