"""Command lines: options, help and errors of the tools, and loading and saving of the cluster."""
