"""Readers of clusters: one module for each format, each with `load(…) -> Cluster`. No decisions are made here."""
