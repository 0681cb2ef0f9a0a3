"""The documentation: pages in Markdown, the ledger of claims, and the generator of the site."""
