"""The lock core: the rules of `spec.locks`, indexed, so that a step costs what it asks for and what it wakes."""
