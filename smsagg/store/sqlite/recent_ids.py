"""Finds by carrier id the messages that a carrier took recently, which the database does not index yet.

Theory of operation. Carriers' ids are often random, and an index over them then dirties one page for each message that
comes and one for each that goes: 5 µs of 20 at 16,000 messages ENROUTE. But most get their receipt within seconds, and
most receipts belong to messages that the engine still has in memory. So a row that turns ENROUTE is noted here, and
only what is still here when ``RECENT_MAX`` are exceeded is indexed (``messages.indexed``), oldest first.

Every ENROUTE row is noted here or indexed; what is noted may be stale, so who looks up verifies the row. After a
restart all is forgotten, and recovery indexes every ENROUTE row. Memory: some 250 octets a message.
"""

from collections.abc import Iterable
from itertools import islice

from smsagg.model import MessageState
from smsagg.store.base import FinishedMessage, MessageUpdate

RECENT_MAX = 65_536
INDEXED_AT_ONCE = 1_024

Key = tuple[str, str]
"""(carrier, carrier_message_id)."""


class RecentIds:
    """Used by the writer thread only."""

    def __init__(self, recent_max: int = RECENT_MAX) -> None:
        self._recent_max = recent_max
        self._seqs: dict[Key, int] = {}
        self._twins: list[int] = []
        self._leaving: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._seqs)

    def note(self, updates: Iterable[MessageUpdate]) -> None:
        """Note those that are ENROUTE; of two messages with one id the later is to be indexed at once."""
        seqs = self._seqs
        for update in updates:
            if update.state is MessageState.ENROUTE:
                key = (update.carrier, update.carrier_message_id)
                if seqs.setdefault(key, update.seq) != update.seq:
                    self._twins.append(update.seq)

    def forget(self, finished: Iterable[FinishedMessage]) -> None:
        seqs = self._seqs
        for over in finished:
            key = (over.carrier, over.carrier_message_id)
            if seqs.get(key) == over.seq:
                del seqs[key]

    def leave(self) -> list[int]:
        """The rows to index in the open transaction; :meth:`committed` or :meth:`rolled_back` must follow."""
        seqs = self._twins
        if len(self._seqs) > self._recent_max:
            excess = len(self._seqs) - self._recent_max
            self._leaving = dict(islice(self._seqs.items(), max(INDEXED_AT_ONCE, excess)))
            for key in self._leaving:
                del self._seqs[key]
            seqs = [*seqs, *self._leaving.values()]
        return seqs

    def committed(self) -> None:
        if self._twins or self._leaving:
            self._twins = []
            self._leaving = {}

    def rolled_back(self) -> None:
        if self._leaving:
            self._seqs = self._leaving | self._seqs
            self._leaving = {}

    def find(self, carrier: str, carrier_message_ids: Iterable[str]) -> list[int]:
        """Rows that may be the ENROUTE messages of ``carrier`` with these ids."""
        found = (self._seqs.get((carrier, carrier_message_id)) for carrier_message_id in carrier_message_ids)
        return [seq for seq in found if seq is not None]
