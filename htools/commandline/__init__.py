"""Command lines: options, help and errors of the tools, and loading and saving of the cluster.

There is no plain twin: texts are compared with those of Ganeti's tools. What is fast: `start` imports a program only
when its command line is right.
"""
