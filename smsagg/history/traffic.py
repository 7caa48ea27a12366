"""The messages of a span as reports count them."""

from collections.abc import Callable, Iterator

from smsagg.config.sandbox import SANDBOX_POOLS
from smsagg.history.reader import History, Span
from smsagg.reports.traffic import Traffic

EARNED = "iif(m.charged > 0 OR (m.state = 1 AND m.charge_on = 1), m.revenue, 0)"
"""What was charged when it was over; of a live one what is charged however it ends, since a carrier has it."""
COLUMNS = tuple(EARNED if name == "earned" else f"m.{name}" if name != "seq" else name for name in Traffic._fields)

_POOL = Traffic._fields.index("pool")


def traffic_of(
    history: History,
    span: Span,
    account: str = "",
    on_progress: Callable[[float], None] = lambda _share: None,
    *,
    is_sandbox: bool = False,
) -> Iterator[list[Traffic]]:
    """The messages of ``span``, of ``account`` or of all, a few thousand at a time; ``on_progress`` hears which share
    (0 to 1) of the span has been read. Messages of sandboxes are left out, or nothing else is counted."""
    since, until, first_seq, last_seq = span
    for chunk in history.scan(COLUMNS, first_seq, last_seq):
        records = [
            Traffic._make(row)
            for rows in (chunk.over, chunk.live)
            for row in rows
            if since <= row[1] < until
            and (not account or row[2] == account)
            and (row[_POOL] in SANDBOX_POOLS) is is_sandbox
        ]
        if records:
            yield records
        on_progress((chunk.last_seq - first_seq + 1) / (last_seq - first_seq + 1))
