"""Command lines: options, help and errors of the tools, and how a cluster is loaded and saved as they say."""
