"""The load generator: many messages over many binds, and what became of each."""
