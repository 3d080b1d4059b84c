"""Training, from an index to a network."""
