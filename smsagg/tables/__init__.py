"""The data files that a configuration names, read into values that never change."""

from smsagg.tables.tables import Tables, load_tables

__all__ = ["Tables", "load_tables"]
