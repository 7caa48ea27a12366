"""Logs, metrics and the probe of the event loop: what an operator sees of a running gateway."""
