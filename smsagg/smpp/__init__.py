"""SMPP 3.4 without I/O: PDUs and their codec, framing, the session state machine, windows and timers.

Octets go in, PDUs and octets come out; the time is always an argument. :class:`smsagg.smpp.connection.Connection`
puts the parts together for one bound association, from either side.
"""
