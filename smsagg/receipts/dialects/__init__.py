"""Presets of receipt dialects, one TOML file each; see :mod:`smsagg.receipts.settings`."""
