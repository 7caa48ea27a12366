"""smsagg: an SMS aggregator that SMPP clients bind to, durable before it says yes."""

__version__ = "0.1.0"
