"""The lists of suppressed numbers and of opt-ins: in the store, and in memory as far as every message has to ask.

Theory of operation. A change is written to the store as what is owed, and memory heeds it in the commit's own report,
which comes in the order of the writes: so memory is what is durable, never more and never less, and whoever was told of
a change finds it in force for every message from then on, also for those that are queued
(:mod:`smsagg.engine.sending.last_look`).
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice

import trio

from smsagg.consent import ConsentBook, sender_key
from smsagg.consent.book import KEY_OCTETS
from smsagg.directory.audit import AuditEntry
from smsagg.engine.directory.audit_log import log_record
from smsagg.errors import RegisterFull, StoreError
from smsagg.model import Message
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.model.message import ANSWERED
from smsagg.store.base import Changes, Store

PAGE = 10_000
UPDATES_MAX = 1_000
"""In one transaction."""
SENDERS_MAX = 1_000
"""Of one list: memory and the records of one number are bounded by it."""
SLICE = 250
"""Of a long list: what one transaction takes in."""


class Consents:
    """All accounts' lists and the operator's."""

    def __init__(self, store: Store, entropy: Callable[[int], bytes], passes: Callable[[], Sequence[str]]) -> None:
        """``passes``: the message classes that an account's own suppressions do not stop."""
        self._store = store
        self._passes = passes
        self.book = ConsentBook(entropy(KEY_OCTETS))

    async def load(self) -> None:
        """Take up what the store holds; once, first."""
        for kind in ConsentKind:
            page = await self._store.list_consents(kind, None, None, PAGE)
            while page:
                self.committed([ConsentUpdate(record) for record in page])
                page = await self._store.list_consents(kind, None, page[-1], PAGE)

    def is_suppressed(self, message: Message, digits: str) -> bool:
        """Whether ``message`` must not go to the E.164 number ``digits`` (no plus)."""
        if message.origin == ANSWERED:
            return False
        passes = message.message_class in self._passes()
        return self.book.is_suppressed(message.account, sender_key(message.source_addr), digits, passes=passes)

    def has_opted_in(self, message: Message, digits: str) -> bool:
        """Whether the owner of ``digits`` asked for messages such as this one."""
        return self.book.has_opted_in(message.account, sender_key(message.source_addr), digits)

    def committed(self, updates: Sequence[ConsentUpdate]) -> int:
        """These are in the store now; how many of them changed anything."""
        return sum([self.book.apply(update) for update in updates])

    async def change(self, updates: Sequence[ConsentUpdate], audit: Sequence[AuditEntry] = ()) -> int:
        """Write ``updates``, at most :data:`UPDATES_MAX`, and what the audit trail says of them, both or neither;
        returns after the commit how many changed anything. What was begun is not undone by cancelling the call.
        Raises RegisterFull, and StoreError when nothing was written, which only ``audit`` lets the store do."""
        assert len(updates) <= UPDATES_MAX
        if self.book.senders_with(updates) > SENDERS_MAX:
            raise RegisterFull(f"a list names at most {SENDERS_MAX} senders")
        is_answered, changed = trio.Event(), 0
        refused: StoreError | None = None

        def answered(error: StoreError | None) -> None:
            nonlocal changed, refused
            if error is None:
                changed = self.committed(updates)
            refused = error
            is_answered.set()

        self._store.write(Changes(consents=list(updates), audit=list(audit)), answered)
        await is_answered.wait()
        if refused is not None:
            raise refused
        with trio.CancelScope(shield=True):
            for entry in audit[-1:]:  # the last one's head is the head of all
                await log_record(self._store, entry)
        return changed

    async def take_in(
        self,
        records: Iterator[ConsentRecord],
        told: Callable[[int, int], Awaitable[None]],
        audit: Sequence[AuditEntry] = (),
    ) -> tuple[int, int]:
        """Write all of ``records``, a slice at a time, the first with ``audit``; returns how many there were, and how
        many changed anything.

        ``told`` hears both after the commit of each slice. What was committed stays when the call is cancelled.
        Raises StoreError as :meth:`change`, before anything is written, and RegisterFull. ``records`` are made in a
        thread, for there may be much between two of them that is none.
        """
        read = changed = 0
        while updates := await trio.to_thread.run_sync(_updates_of, records):
            changed += await self.change(updates, () if read else audit)
            read += len(updates)
            await told(read, changed)
        return read, changed

    async def find(self, kind: ConsentKind, account: str, number: str) -> list[ConsentRecord]:
        """The account's records of this number. Raises StoreError."""
        return await self._store.find_consents(kind, account, number)

    async def list(
        self, kind: ConsentKind, account: str, after: ConsentRecord | None, limit: int
    ) -> Sequence[ConsentRecord]:
        """The account's records beyond ``after``, by number and sender. Raises StoreError."""
        return await self._store.list_consents(kind, account, after, limit)


def _updates_of(records: Iterator[ConsentRecord]) -> list[ConsentUpdate]:
    """The next slice."""
    return [ConsentUpdate(record) for record in islice(records, SLICE)]
