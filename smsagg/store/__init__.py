"""Durable storage behind one port: :mod:`smsagg.store.base`; the embedded engine is :mod:`smsagg.store.sqlite`."""
