"""Reading a cluster's configuration: names, members, merged parameters, sizes; and changes as values. Pure.

There is no plain twin. What is fast: a view builds an index when it is first asked for it, once per configuration.
"""
