"""The store's past, read beside the server that writes it: spans of time, single messages, what ended since last time.

Nothing here writes. See :mod:`smsagg.history.reader`.
"""

from smsagg.history.reader import History, Span, open_history

__all__ = ["History", "Span", "open_history"]
