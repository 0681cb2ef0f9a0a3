"""Codecs of the sockets: framing, requests and answers, and a blocking client. No daemon logic lives here."""
