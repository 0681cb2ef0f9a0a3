"""The executable specification: what must hold, in the plainest code.

Frozen, slotted dataclasses and pure functions over the standard library's pure part. Nothing here
reads a clock, a file, a socket or a random number, or imports another package of Gantry.
It defines the vocabulary that `impl`, `htools` and `checkers` share.

* `locks`, `jobs`: the rules of wconfd and of luxid's queue; fast twins `impl.locks`, `impl.queue`.
* `store`, `reservations`: durability and temporary reservations; fast twins `impl.store`, `impl.config.reservations`.
* `allocator`: what hbal, hail, hspace and hsqueeze decide; fast twins in `htools`.
* `plans`: when a plan of moves is safe; fast twin `checkers.plans`, with z3.
"""
