"""Takes messages in: a place is reserved, the batch is committed, and only then is anyone told yes.

The order of the promises: the commit, then ``submit_sm_resp``, then the carrier. A batch that the store refuses leaves
no trace; one whose commit took longer than ``accept_deadline`` is refused and unwound, because its client has given up
waiting and will send it again.
"""

import copy
from collections.abc import Callable, Sequence

from smsagg.abuse.duplicates import Duplicates
from smsagg.engine.accounts import Account
from smsagg.engine.admission.division import Division, excerpt_of
from smsagg.engine.admission.money import Money
from smsagg.engine.core import Changes, Core
from smsagg.engine.queues.waiting import Waiting
from smsagg.engine.segments import segments_of
from smsagg.errors import StoreError, StoreFull
from smsagg.model import Message, MessageIds, MessageState, PartGroup, Refusal
from smsagg.smpp.concatenation import UDHI
from smsagg.smpp.status import ESME_RMSGQFUL, ESME_ROK, ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.store.base import FinishedMessage

OnAccepted = Callable[[int], None]
"""Called once with the ``command_status`` for the whole batch: ESME_ROK after its commit, else why not."""


class Intake:
    """The way in, for SMPP now and any other front door."""

    def __init__(self, core: Core, waiting: Waiting, ids: MessageIds, money: Money) -> None:
        self._core = core
        self._waiting = waiting
        self._money = money
        self._ids = ids
        self.division = Division(core.config, core.rng)
        self.stopped = False

    def reconfigure(self) -> None:
        """Heed the configuration of the core from now on."""
        self.division.reconfigure(self._core.config)

    def reserve(self, account: Account, message: Message, now: int) -> int:
        """Take a place for ``message``; ESME_ROK, or the ``command_status`` that refuses it (nothing is held then)."""
        failing = self._core.store.failing
        if failing is not None:
            return status_of(failing)
        if self.stopped:
            return ESME_RSYSERR
        if account.queued >= account.settings.queue_max or not self._waiting.reserve(message, now):
            return ESME_RMSGQFUL
        self._core.joined_queue(message)
        return ESME_ROK

    def take(self, account: Account, message: Message, now: int) -> list[Message] | Refusal:
        """The messages that ``message`` becomes, with a place for each; or why it is refused.

        They are to be numbered and committed together, and the customer knows them by the id of the first.
        """
        guard = account.guard
        duplicates = None if guard is None else guard.duplicates
        digest = b"" if duplicates is None or guard is None else guard.digest_of(message)
        taken = self._take(account, message, now)
        if isinstance(taken, Refusal):
            self._core.numbers.take_back((message,))
        elif duplicates is not None:
            duplicates.take(digest, taken[0], now)
        return taken

    def _take(self, account: Account, message: Message, now: int) -> list[Message] | Refusal:
        division = self.division
        if len(message.body) <= division.plain_octets and not message.tlvs and not message.esm_class & UDHI:
            status = self.reserve(account, message, now)
            if status:
                return Refusal(status)
            return [message] if account.purse is None else self._pay(account, [message], now)
        parts = division.divide(account.settings, message, now)
        if isinstance(parts, int):
            return Refusal(parts)
        status = self._reserve_all(account, parts, now)
        if status:
            self._refuse_parts(parts)
            return Refusal(status)
        if message.price and len(parts) == 1:
            _price_whole(message)
        return parts if account.purse is None else self._pay(account, parts, now)

    def _pay(self, account: Account, messages: list[Message], now: int) -> list[Message] | Refusal:
        """Reserve the price of one message's parts, which have their places."""
        refusal = self._money.reserve(account, messages, now)
        if refusal is None:
            return messages
        self._give_up(messages)
        self._refuse_parts(messages)
        if account.bucket is not None:
            account.bucket.give_back(len(messages) - 1)
        return refusal

    def _reserve_all(self, account: Account, parts: list[Message], now: int) -> int:
        """Places for all parts, ready or parked alike, and their share of the account's rate; or for none."""
        if len(parts) > 1 and not _spend(account, len(parts), self._core.clock.monotonic_s()):
            return ESME_RTHROTTLED
        for place, part in enumerate(parts):
            status = self.reserve(account, part, now)
            if status:
                self._give_up(parts[:place])
                if account.bucket is not None:
                    account.bucket.give_back(len(parts) - 1)
                return status
        if any(part.parked for part in parts):
            for part in parts:
                self._waiting.unreserve(part)
                part.parked = True
        return ESME_ROK

    @property
    def last_seq(self) -> int:
        """Highest seq ever given out."""
        return self._ids.last_seq

    def number(self, messages: Sequence[Message], *, short: bool = False) -> None:
        """Give reserved messages their ids, ``short`` ones of at most 8 octets."""
        ids = self._ids.take_short(len(messages)) if short else self._ids.take(len(messages))
        for message, (seq, message_id) in zip(messages, ids, strict=True):
            message.seq = seq
            message.message_id = message_id
            if message.group is not None:
                self._number_part(message, message.group)

    def _number_part(self, part: Message, group: PartGroup) -> None:
        """All parts of a message that was cut have one id, the first one's."""
        if not group.group_seq:
            group.group_seq, group.message_id = part.seq, part.message_id
            self._core.groups.add(group)
        part.group_seq = group.group_seq
        if group.is_split:
            part.message_id = group.message_id

    def number_copies(self, messages: Sequence[Message], *, short: bool = False) -> None:
        """Give reserved messages, at most ``COPIES_MAX``, their seqs and one id that names them all."""
        for message, (seq, message_id) in zip(messages, self._ids.take_copies(len(messages), short=short), strict=True):
            message.seq = seq
            message.message_id = message_id
            if message.group is not None:
                self._number_part(message, message.group)

    def release(self, messages: Sequence[Message]) -> None:
        """Give back the places and the money of reserved messages that will not be committed."""
        self._give_up(messages)
        self._money.release(messages, self._core.clock.now_ms())

    def take_back(self, messages: Sequence[Message]) -> None:
        """Undo what :meth:`take` did for messages that will not be committed."""
        self.release(messages)
        self._core.numbers.take_back(messages)
        self._refuse_parts(messages)

    def _give_up(self, messages: Sequence[Message]) -> None:
        duplicates = self._duplicates_of(messages)
        for message in messages:
            self._waiting.unreserve(message)
            self._core.left_queue(message)
            if duplicates is not None:
                duplicates.released(message)

    def _duplicates_of(self, messages: Sequence[Message]) -> Duplicates | None:
        """What knows duplicates of these, which are of one account."""
        account = self._core.accounts.get(messages[0].account) if messages else None
        return account.guard.duplicates if account is not None and account.guard is not None else None

    def commit(self, messages: list[Message], on_accepted: OnAccepted, ends: Changes | None = None) -> None:
        """Make reserved and numbered messages of one account durable; they set out as soon as ``on_accepted`` returned.

        ``ends`` is what their coming ends, in the same transaction; with that they are taken however long it took.
        """
        core = self._core
        began_at = core.clock.monotonic_s()
        parts = [message for message in messages if message.group is not None]

        def committed(error: StoreError | None) -> None:
            if error is not None:
                self.take_back(messages)
                on_accepted(status_of(error))
                return
            core.numbers.committed(messages)
            for part in parts:
                self._came(part)
            if ends is None and core.clock.monotonic_s() - began_at > core.config.server.accept_deadline:
                self._unwind(messages, on_accepted)
            else:
                core.metrics.accepted(messages, core.clock.monotonic_s() - began_at)
                duplicates = self._duplicates_of(messages)
                if duplicates is not None:
                    for message in messages:
                        duplicates.committed(message)
                on_accepted(ESME_ROK)
                now = core.clock.now_ms()
                for message in messages:
                    self._waiting.admit(message, now)
                core.wake_dispatcher()

        changes = Changes() if ends is None else ends
        changes.new_messages, changes.new_parts = messages, _new_parts(parts)
        core.numbers.record(messages, changes)
        if not core.events.is_quiet:
            core.events.accepted(messages, changes, core.clock.now_ms())
        account = core.accounts.get(messages[0].account)
        if account is None or account.purse is not None or messages[0].accounted:  # they may have waited for others
            self._money.record_reserved(messages, changes, core.clock.now_ms())
        core.store.write(changes, committed)

    def _refuse_parts(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.group is not None:
                self.division.open_groups.is_refused(message.group, message.part_number)

    def _came(self, part: Message) -> None:
        """A part is committed, and counted by the store."""
        group = part.group
        assert group is not None
        if group.is_split:
            return
        if not group.received:
            group.message_id, group.excerpt = part.message_id, excerpt_of(part)
            group.registered_delivery = part.registered_delivery
        group.note_part(part.part_number)
        group.registered_delivery = max(group.registered_delivery, part.registered_delivery)
        self.division.open_groups.came(group, part.part_number)

    def _unwind(self, messages: Sequence[Message], on_accepted: OnAccepted) -> None:
        """Committed too late: the client hears an error, so the message ends here, unsent and without a receipt.

        The error goes out after that end is committed: a crash in between would send what was refused.
        """
        now = self._core.clock.now_ms()
        self.release(messages)
        seqs = [message.seq for message in messages]
        self._core.settling.update(seqs)
        for finished in self._core.finish_watchers:
            finished.update(seqs)

        def unwound(_: StoreError | None) -> None:
            self._core.settled.extend(seqs)
            on_accepted(ESME_RSYSERR)

        changes = Changes(
            finished=[
                FinishedMessage(message.seq, MessageState.DELETED, 0, "", "", ESME_RSYSERR, now) for message in messages
            ]
        )
        self._money.record_released(messages, changes, now)
        if not self._core.events.is_quiet:
            self._core.events.unwound(messages, ESME_RSYSERR, changes, now)
        for message in messages:
            if message.group is not None:
                message.group.skip_part(message.part_number, now)
                self._core.groups.changed(message.group, changes)
        self._core.store.write(changes, unwound)


def _new_parts(parts: Sequence[Message]) -> list[PartGroup]:
    """The record of each group of ``parts``, as the store is to have it if it is new, and how many come."""
    records: dict[int, PartGroup] = {}
    for part in parts:
        group = part.group
        assert group is not None
        record = records.get(group.group_seq)
        if record is None:
            record = records[group.group_seq] = copy.copy(group)
            record.received = record.numbers = 0
            if not group.is_split:
                record.message_id, record.excerpt = part.message_id, excerpt_of(part)
                record.registered_delivery = part.registered_delivery
        record.note_part(part.part_number)
        record.registered_delivery = max(record.registered_delivery, part.registered_delivery)
    return list(records.values())


def _price_whole(message: Message) -> None:
    """Prices are per segment: what is admitted has the price of one, and this one goes on whole."""
    segments = segments_of(message)
    message.price *= segments
    message.revenue *= segments


def _spend(account: Account, parts: int, now: float) -> bool:
    """Take from the account's rate what more parts than one cost; False, and the one given back, when that is too
    much. More parts than the burst allows need the whole burst, and the debt is paid by waiting."""
    bucket = account.bucket
    if bucket is None:
        return True
    if bucket.available(now) + 1 < min(parts, account.burst):
        bucket.give_back(1)
        return False
    bucket.take(parts - 1, now)
    return True


def status_of(error: StoreError) -> int:
    """What an ESME hears when the store does not take its message."""
    return ESME_RMSGQFUL if isinstance(error, StoreFull) else ESME_RSYSERR
