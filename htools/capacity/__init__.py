"""How many more instances fit: the twin of `spec.allocator.capacity`, placed in vectors."""
