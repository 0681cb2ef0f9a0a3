"""The allocator: clusters and nodes' accounts, scores, moves, balancing, placement, capacity, answers to requests.

* Vocabulary: `cluster`, `requests`, `decisions`.
* A node's accounts: `state`, `initial`, `ledgers`, `accounts`. `admission` defines when a node takes an instance,
  `policy` and `tags` add restrictions, `arithmetic` is Ganeti's division and rounding.
* hbal: `score` (its `components`), `moves`, `balance`. hsqueeze: `squeeze`. hspace: `capacity`.
* hail: `candidates`, `statistics`, `placement`, `redundancy`, `dedicated`, `groups`, `evacuation`, `iallocator`.
* `example`: the small cluster of the docstrings.

Fast twins: `htools.model` (accounts, score, moves), `htools.balance`, `htools.placement`, `htools.capacity`,
`htools.iallocator` and `htools.maintenance`. Ganeti's hbal, hail, hspace and hsqueeze on the same input are the
authority.
"""
