"""The messages of a span as reports count them."""

from collections.abc import Callable, Iterator

from smsagg.history.reader import History, Span
from smsagg.reports.traffic import Traffic

TAKEN = "(m.carrier_message_id <> '' OR m.state IN (1, 2, 6) OR substr(m.trail, -9) = '|accepted')"
"""Some carriers give no id; then the state says it, or the last attempt's outcome."""
COLUMNS = tuple(TAKEN if name == "taken" else f"m.{name}" if name != "seq" else name for name in Traffic._fields)


def traffic_of(
    history: History, span: Span, account: str = "", on_progress: Callable[[float], None] = lambda _share: None
) -> Iterator[list[Traffic]]:
    """The messages of ``span``, of ``account`` or of all, a few thousand at a time; ``on_progress`` hears which share
    (0 to 1) of the span has been read."""
    since, until, first_seq, last_seq = span
    for chunk in history.scan(COLUMNS, first_seq, last_seq):
        records = [
            Traffic._make(row)
            for rows in (chunk.over, chunk.live)
            for row in rows
            if since <= row[1] < until and (not account or row[2] == account)
        ]
        if records:
            yield records
        on_progress((chunk.last_seq - first_seq + 1) / (last_seq - first_seq + 1))
