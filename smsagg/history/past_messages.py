"""The messages of a span as they are judged anew under other routes and prices."""

from collections.abc import Callable, Iterator

from smsagg.engine.segments import segments_of_whole
from smsagg.history.reader import CHUNK_ROWS_WITH_BODIES, History, Row, Span
from smsagg.history.traffic import EARNED
from smsagg.reports.what_if import PastMessage

_TAKEN = "(m.carrier_message_id <> '' OR m.state IN (1, 2, 6) OR substr(m.trail, -9) = '|accepted')"
"""Some carriers give no id; then the state says it, or the last attempt's outcome."""
_SOURCES = {
    "seq": "seq",
    "segments": "m.group_seq",
    "earned": EARNED,
    "taken": _TAKEN,
    "body": "iif(m.is_secret, x'', m.body)",
}
_COLUMNS = tuple(_SOURCES.get(name, f"m.{name}") for name in PastMessage._fields)
_SEGMENTS = PastMessage._fields.index("segments")


def past_messages(
    history: History, span: Span, account: str = "", on_progress: Callable[[float], None] = lambda _share: None
) -> Iterator[list[PastMessage]]:
    """The messages accepted in ``span``, of ``account`` or of all; ``on_progress`` hears which share has been read."""
    since, until, first_seq, last_seq = span
    for chunk in history.scan(_COLUMNS, first_seq, last_seq, CHUNK_ROWS_WITH_BODIES):
        found = [
            _past(row)
            for rows in (chunk.over, chunk.live)
            for row in rows
            if since <= row[1] < until and (not account or row[2] == account)
        ]
        if found:
            yield found
        on_progress((chunk.last_seq - first_seq + 1) / (last_seq - first_seq + 1))


def _past(row: Row) -> PastMessage:
    """A part is one segment; of a text that was taken out nothing tells how many it had, and one is taken for it."""
    past = PastMessage._make(row)
    is_part = bool(row[_SEGMENTS])
    segments = 1 if is_part else segments_of_whole(past.body, past.data_coding, past.esm_class)
    return past._replace(segments=segments)
