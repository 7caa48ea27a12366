"""Verifications: their codes, their ends, and what these say of carriers and prefixes."""
