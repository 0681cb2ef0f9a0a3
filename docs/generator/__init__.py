"""Makes the documentation site: `python -m docs.generator`, or `make docs`.

The pages in `docs/` are taken as they are. To these come pages and pictures that are made from the code: the reference
of the programs, the specification with its source, the import graphs, the state diagrams, and one page a claim.
"""
