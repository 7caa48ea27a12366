"""Fakes for tests: carriers, sessions and clocks that do what the test says, and an engine between them."""
