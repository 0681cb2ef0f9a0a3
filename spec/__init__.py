"""The executable specification: what must hold, told slowly and plainly.

Frozen, slotted dataclasses and pure functions over the standard library's pure part. Nothing here
reads a clock, a file, a socket or a random number; nothing here imports another package of ours.
It owns the vocabulary that `impl`, `htools` and `checkers` share.
"""
