"""The control plane: pure cores, sans-I/O codecs, ports with their adapters, and the daemons around them."""
