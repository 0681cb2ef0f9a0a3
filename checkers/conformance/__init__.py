"""Conformance: histories of calls over a socket, to any daemon that speaks the protocol, judged by `spec`."""
