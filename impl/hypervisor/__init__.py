"""The hypervisors of the nodes, behind a port; the embedded default keeps what it knows in the configuration."""
