"""Sending messages, looking at them, and reading what handsets wrote."""
