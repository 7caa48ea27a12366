"""How messages end and who hears of it: receipts, deliveries, events, expiry, retention."""
