"""The front end: source text, grammar, names, levels; its product is `syntax`."""
