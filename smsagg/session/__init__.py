"""The session driver: moves octets between a trio stream and a sans-I/O :class:`smsagg.smpp.connection.Connection`."""

from smsagg.session.driver import DriverLimits, SessionDriver, SessionHandler

__all__ = ["DriverLimits", "SessionDriver", "SessionHandler"]
