"""Texts with parameters."""
