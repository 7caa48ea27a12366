"""The engine: accepted messages in, attempts out, receipts back. Knows ports and domain types only."""

from smsagg.engine.engine import Engine

__all__ = ["Engine"]
