"""Measures the whole life of messages: generator, server and carrier, each in a process of its own."""
