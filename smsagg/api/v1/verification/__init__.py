"""Codes that prove whose a number is."""
