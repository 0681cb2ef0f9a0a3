"""The allocator: clusters and nodes' accounts, scores, moves, balancing, placement, capacity, answers to requests.

`htools` holds the fast twins; Ganeti's hbal, hail, hspace and hsqueeze on the same input are the authority.
"""
