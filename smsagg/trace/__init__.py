"""Following messages through a running server: PDUs as they were carried, and what was decided about them."""

from smsagg.trace.hub import TraceHub
from smsagg.trace.subject import Filter

__all__ = ["Filter", "TraceHub"]
