"""Carriers: pluggable upstream suppliers behind one port, :mod:`smsagg.carriers.base`."""
