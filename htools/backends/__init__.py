"""Readers of clusters: one module for each format, each with `load(…) -> Cluster`. No decisions are made here.

There is no plain twin: what is read is compared with what Ganeti's tools read. What is fast: JSON is
decoded by msgspec in one call, and a text file is read in one pass.
"""
