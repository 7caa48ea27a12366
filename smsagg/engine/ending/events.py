"""Notes what happens to accounts that follow it, in the transactions in which it happens.

An account follows what happens when it has a webhook endpoint, or says so (``events``). Of all others only messages are
noted that name a callback; while there can be none, callers need not come here: they ask :attr:`Events.is_quiet` first.

What endpoints are owed is written with the event, so that a crash forgets neither or both. A message that was cut is
told of as a whole; parts that a customer made are told of one by one.
"""

from collections.abc import Callable, Sequence

from smsagg.config.event_kinds import ALERT, HELD, INBOUND, NUMBER, OPTED_IN, OPTED_OUT, QUEUED, SENT, TEST
from smsagg.config.schema import Config
from smsagg.engine.endpoints.endpoints import Endpoints
from smsagg.events import alert_document, inbound_document, kind_of, message_document, number_document, opted_document
from smsagg.events.endpoint import Endpoint, callback_name
from smsagg.inventory.lifecycle import NumberStep
from smsagg.model import HELD_UNTIL, CarrierMo, Event, EventDelivery, Message, MessageState
from smsagg.store.base import Changes


class Events:
    """What is noted of each account, and for whom."""

    def __init__(self, config: Callable[[], Config], endpoints: Endpoints) -> None:
        self._config = config
        self._all = endpoints
        endpoints.on_changed.append(self.reconfigure)
        self._last_id = 0
        self.on_noted: list[Callable[[str, Sequence[str]], None]] = []
        """Each is told of (account, endpoints that are owed it) when something was noted: it will be in the store by
        the time that the store is asked."""
        self._endpoints: dict[str, dict[str, tuple[str, ...]]] = {}
        """By account and kind: who is owed it."""
        self._followed: frozenset[str] = frozenset()
        self.is_quiet = True
        """No account follows anything, and no message can name a callback."""
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration from now on."""
        accounts = self._config().accounts
        endpoints: dict[str, dict[str, tuple[str, ...]]] = {}
        for one in self._all:
            by_kind = endpoints.setdefault(one.account, {})
            for kind in one.settings.events:
                by_kind[kind] = (*by_kind.get(kind, ()), one.name)
        self._endpoints = endpoints
        self._followed = frozenset(name for name, account in accounts.items() if account.events or name in endpoints)
        self.is_quiet = not self._followed and not any(map(self._all.callbacks_of, accounts))

    def recovered(self, last_id: int) -> None:
        """The highest id that the store has ever had; once, first."""
        self._last_id = last_id

    @property
    def last_id(self) -> int:
        """Of the latest event of any account."""
        return self._last_id

    def follows(self, account: str) -> bool:
        """Whether what happens to ``account`` is noted."""
        return account in self._followed

    # --- messages ---

    def accepted(self, messages: Sequence[Message], changes: Changes, now: int) -> None:
        """These are taken in by the transaction of ``changes``."""
        for message in messages:
            if self._tells_of(message) and _speaks_first(message):
                self._note_message(message, QUEUED, MessageState.QUEUED, 0, changes, now)
                if message.next_attempt_at == HELD_UNTIL:
                    self._note_message(message, HELD, MessageState.QUEUED, 0, changes, now)

    def taken(self, message: Message, changes: Changes, now: int) -> None:
        """A carrier has ``message``."""
        if self._tells_of(message) and _speaks_first(message):
            self._note_message(message, SENT, MessageState.ENROUTE, 0, changes, now)

    def over(self, message: Message, state: MessageState, error_code: int, changes: Changes, now: int) -> None:
        """``message``, or what a message that was cut is as a whole, has its final ``state``."""
        if self._tells_of(message):
            self._note_message(message, kind_of(state), state, error_code, changes, now)

    def unwound(self, messages: Sequence[Message], error_code: int, changes: Changes, now: int) -> None:
        """These were taken in too late, and are not sent: their customer was told that they were refused."""
        for message in messages:
            if _speaks_first(message):
                self.over(message, MessageState.DELETED, error_code, changes, now)

    def inbound(self, account: str, mo: CarrierMo, carrier: str, changes: Changes, now: int) -> None:
        """A message from a handset is ``account``'s. Noted whether or not the account follows its own messages."""
        self._note(account, INBOUND, "", inbound_document(mo, carrier, now), changes, now)

    # --- everything else ---

    def opted(
        self,
        account: str,
        recipient: str,
        sender: str,
        keyword: str,
        changes: Changes,
        now: int,
        *,
        is_in: bool = False,
    ) -> None:
        """``recipient`` wants nothing more from ``account`` (``sender``; ``""``: from none of its senders), or does
        again (``is_in``), and said so with ``keyword``; ``""``: it was said for them."""
        if account in self._followed:
            document = opted_document(recipient, sender, keyword)
            self._note(account, OPTED_IN if is_in else OPTED_OUT, "", document, changes, now)

    def numbers(self, steps: Sequence[NumberStep], changes: Changes, now: int) -> None:
        """These things happened to numbers of accounts."""
        for step in steps:
            if step.account in self._followed:
                self._note(step.account, NUMBER + step.what, "", number_document(step.number), changes, now)

    def alerted(self, account: str, what: str, subject: str, detail: str, changes: Changes, now: int) -> None:
        """Something that people of ``account`` should look at; ``what`` is a word from a closed set."""
        if account in self._followed:
            self._note(account, ALERT, "", alert_document(what, subject, detail), changes, now)

    def tested(self, endpoint: Endpoint, changes: Changes, now: int) -> int:
        """Somebody wants to see that ``endpoint`` is told; the id of the event."""
        self._last_id += 1
        changes.events.append(Event(self._last_id, endpoint.account, TEST, now, "", b"{}"))
        changes.event_deliveries.append(EventDelivery(endpoint.name, self._last_id))
        self.owe_again(endpoint)
        return self._last_id

    def owe_again(self, endpoint: Endpoint) -> None:
        """``endpoint`` is owed something, or will be in a moment."""
        for tell in self.on_noted:
            tell(endpoint.account, [endpoint.name])

    def _tells_of(self, message: Message) -> bool:
        return bool(message.callback_url) or message.account in self._followed

    def _note_message(
        self, message: Message, kind: str, state: MessageState, error_code: int, changes: Changes, now: int
    ) -> None:
        document, url = message_document(message, state, error_code), message.callback_url
        self._note(message.account, kind, message.message_id, document, changes, now, url)

    def _note(
        self, account: str, kind: str, message_id: str, document: bytes, changes: Changes, now: int, url: str = ""
    ) -> None:
        self._last_id += 1
        changes.events.append(Event(self._last_id, account, kind, now, message_id, document))
        owed = [EventDelivery(name, self._last_id) for name in self._endpoints.get(account, {}).get(kind, ())]
        if url:
            owed.append(EventDelivery(callback_name(account, url), self._last_id, url=url))
        changes.event_deliveries += owed
        for tell in self.on_noted:
            tell(account, [delivery.endpoint for delivery in owed])


def _speaks_first(message: Message) -> bool:
    """Of the parts of a message that was cut, the one whose beginning is the whole's."""
    return message.group is None or not message.group.is_split or message.part_number == 1
