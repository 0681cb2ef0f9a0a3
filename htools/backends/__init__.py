"""Where clusters come from: one module a format, each with `load(…) -> Cluster`; no decision is made here."""
