"""Codecs of the sockets: framing, requests and answers; and a blocking client. No daemon logic lives here.

There is no plain twin: messages are checked against Ganeti's own programs (`tests/conformance`). What is fast: messages
are decoded by msgspec in one call, owners and lock requests that come again are looked up.
"""
