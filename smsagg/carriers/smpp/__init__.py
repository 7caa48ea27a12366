"""The SMPP carrier: binds to a real SMSC as an ESME."""

from smsagg.carriers.smpp.carrier import SmppCarrier

__all__ = ["SmppCarrier"]
