"""Instants for people."""

from datetime import UTC, datetime


def instant(at: int) -> str:
    """UTC milliseconds, as a date and a time."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
