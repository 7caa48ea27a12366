"""The number inventory at work: which sender a message gets, whose a handset's message is, and what time ends.

Theory of operation. :meth:`Numbers.sender_for` never waits. It is given what it needs to know of the recipient
beforehand: for accounts in :attr:`Numbers.asks` (their pools keep a conversation on its number, limit messages to a
recipient, or hold numbers that several accounts share) a front door first names its recipients to
:meth:`Numbers.unknown`, and has those that memory does not know looked up by :meth:`Numbers.knowing`, a whole batch
in one question. Of all other accounts, and of recipients that memory knows, nothing is asked. A handset's message to
a shared number goes the same way.

What a choice changed in a conversation goes to the store in the transaction of the message (:meth:`Numbers.record`), so
a crash leaves both or neither. A message that is refused after its choice gives it back (:meth:`Numbers.take_back`). A
conversation stays in memory while a message that changed it is under way. What a refused commit shared with one that
came after it may stay in that one's record until the recipient's next message: one message too many is counted then,
never one too few.

Accounts without a pool and without shared numbers cost one look-up in a dict that is mostly empty.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence

import structlog
import trio

from smsagg.clock import Clock
from smsagg.config.schema import Config, SenderSettings
from smsagg.engine.accounts import Account
from smsagg.engine.admission.division import concatenation_of
from smsagg.engine.numbers.number_book import NumberBook
from smsagg.engine.numbers.senders import NoSender, SenderPlan, Senders, form_of
from smsagg.errors import StoreError
from smsagg.inventory.conversations import Conversation, Conversations, SenderUse, read_conversation, write_conversation
from smsagg.inventory.number import Number
from smsagg.inventory.taking import allotted
from smsagg.model import Message, Refusal
from smsagg.routing.prefix import country_of
from smsagg.smpp.status import ESME_RINVSRCADR, ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.store.base import Changes, EntityUpdate, Store

CONVERSATION = "conversation"
"""Kind of entities; the key is the recipient."""
INTERVAL_S = 1.0
BATCH = 1_000
"""Numbers whose time is over, or conversations looked through, in one transaction."""
PURGE_INTERVAL_MS = 60_000
"""Between two rounds through all conversations, of which each takes a second for a thousand."""
SIBLINGS_MAX = 10_000
"""Long messages that come in parts and whose sender is remembered for the parts that follow."""

_EXHAUSTED = "senders_exhausted"
_UNKNOWN = Refusal(ESME_RSYSERR, "recipient_not_looked_up")

log = structlog.get_logger("smsagg.numbers")


class Numbers:
    """Decides on the loop; needs :meth:`load` first. Instants are UTC milliseconds."""

    def __init__(self, config: Callable[[], Config], store: Store, clock: Clock) -> None:
        """``config`` is the configuration of the moment."""
        self._config_now = config
        self._store = store
        self._clock = clock
        self.book = NumberBook(store, clock, 0)
        self.book.on_change = self._renew_plans
        self.inventory = self.book.inventory
        self._senders = Senders(self.inventory)
        self.conversations = Conversations(config().numbers.conversations_in_memory_max)
        self._siblings: OrderedDict[tuple[str, ...], tuple[str, int]] = OrderedDict()
        self._plans: dict[str, SenderPlan] = {}
        self.asks: frozenset[str] = frozenset()
        """Accounts whose recipients must be known before anything is sent to them."""
        self._purge_after = ""
        self._purge_at = 0
        """When the next round through all conversations begins."""
        self._touched: set[str] | None = None
        """While old conversations are looked for: those that changed meanwhile."""
        self._short: dict[str, int] = {}
        self._held = 0
        """Choices that are neither stored nor taken back yet."""
        self.chosen: Counter[tuple[str, str]] = Counter()
        """Senders that were chosen, by account and pool."""
        self.fallbacks: Counter[tuple[str, str]] = Counter()
        """Those of another pool than the one tried first, by both."""
        self.refused: Counter[tuple[str, str]] = Counter()
        """Messages without a sender, by account and reason."""
        self.looked_up = 0
        """Recipients that the store was asked for."""
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration as it is from now on."""
        self._config = config = self._config_now()
        self.conversations.memory_max = config.numbers.conversations_in_memory_max
        self._ttl_ms = int(config.numbers.conversation_ttl * 1000)
        self._siblings_ms = int(config.long_messages.siblings_window * 1000)
        self.inventory.set_default_quarantine(int(config.numbers.quarantine * 1000))
        self._plans = {}
        self._renew_plans()

    async def load(self) -> None:
        """Take up what the store holds; once, before anything else."""
        await self.book.load()
        self._purge_at = self._clock.now_ms() + PURGE_INTERVAL_MS

    def _renew_plans(self) -> None:
        """A plan for each account that has a pool or shares numbers, and for no other."""
        shares = self.inventory.shares
        for name, account in self._config.accounts.items():
            settings = account.senders or SenderSettings()
            if settings.from_pool or shares[name] > 0:
                plan = self._plans.get(name)
                if plan is None:
                    plan = self._plans[name] = SenderPlan(name, settings)
                self._senders.refresh(plan)
            else:
                self._plans.pop(name, None)
        self.asks = frozenset(name for name, plan in self._plans.items() if plan.asks)

    # --- messages to handsets ---

    def sender_for(self, account: Account, message: Message, digits: str, now: int) -> Refusal | None:
        """Give ``message`` to the E.164 number ``digits`` its sender, if its account leaves that to a pool.

        ``None``: it has one. What was chosen must be recorded or taken back.
        """
        plan = self._plans.get(account.name)
        if plan is None:
            return None
        conversation: Conversation | None = None
        if plan.asks:
            conversation = self.conversations.get(digits)
            if conversation is None:
                return _UNKNOWN
        if plan.uses_pool(message.source_addr):
            return self._from_pool(plan, message, conversation, now)
        if conversation is not None:
            self._note_own(plan, message, conversation, now)
        return None

    def _from_pool(
        self, plan: SenderPlan, message: Message, conversation: Conversation | None, now: int
    ) -> Refusal | None:
        siblings = _siblings_key(message)
        if siblings is not None:
            sibling = self._siblings.get(siblings)
            if sibling is not None and now < sibling[1]:
                number = self.inventory.numbers[sibling[0]]
                if number.may_send_for(plan.account, now):
                    _send_from(message, number)
                    return None
        chosen = self._senders.choose(plan, message.country, conversation, now)
        if isinstance(chosen, NoSender):
            self.refused[plan.account, chosen.reason] += 1
            return Refusal(ESME_RTHROTTLED if chosen.reason == _EXHAUSTED else ESME_RINVSRCADR, chosen.reason)
        number = chosen.number
        self.chosen[plan.account, number.pool] += 1
        if number.pool != chosen.first_pool:
            self.fallbacks[chosen.first_pool, number.pool] += 1
        _send_from(message, number)
        self._hold(message, chosen.use)
        if siblings is not None:
            self._siblings[siblings] = number.key, now + self._siblings_ms
            if len(self._siblings) > SIBLINGS_MAX:
                self._siblings.popitem(last=False)
        return None

    def _note_own(self, plan: SenderPlan, message: Message, conversation: Conversation, now: int) -> None:
        """It names a number that its account shares: an answer goes to who wrote last."""
        address = message.source_addr.removeprefix("+")
        number = self.inventory.at(address, message.country, "") if address else None
        if number is not None and number.is_shared and plan.account in number.accounts:
            self._hold(message, self._senders.note(plan, number, conversation, now))

    def _hold(self, message: Message, use: SenderUse | None) -> None:
        if use is not None:
            message.sender_use = use
            use.conversation.pins += 1
            self._held += 1
            if self._touched is not None:
                self._touched.add(use.conversation.recipient)

    def record(self, messages: Iterable[Message], changes: Changes) -> None:
        """Put what the choices for ``messages`` changed into the transaction that stores them."""
        if self._held:
            uses = [message.sender_use for message in messages if message.sender_use is not None]
            for conversation in {id(use.conversation): use.conversation for use in uses}.values():
                changes.entities.append(_update_of(conversation))

    def committed(self, messages: Iterable[Message]) -> None:
        """They are stored."""
        if self._held:
            for message in messages:
                use = message.sender_use
                if use is not None:
                    self._let_go(message, use)

    def take_back(self, messages: Sequence[Message]) -> None:
        """They are refused after all; nothing happens to those that have nothing to give back."""
        if self._held:
            for message in reversed(messages):
                use = message.sender_use
                if use is not None:
                    if not use.is_over:
                        use.undo()
                    self._let_go(message, use)

    def _let_go(self, message: Message, use: SenderUse) -> None:
        """The parts of one message have one choice together."""
        message.sender_use = None
        if not use.is_over:
            use.is_over = True
            self._held -= 1
            self.conversations.unpin(use.conversation)

    # --- what must be known first ---

    def unknown(self, account: str, recipients: Iterable[str]) -> list[str]:
        """Those of ``recipients`` (E.164 digits) that must be looked up before ``account`` sends to them."""
        if account not in self.asks:
            return []
        get = self.conversations.get
        return [recipient for recipient in dict.fromkeys(recipients) if get(recipient) is None]

    async def knowing(self, recipients: Collection[str], act: Callable[[], None]) -> None:
        """Look up those of ``recipients`` that memory does not know, and call ``act`` while all are known. Raises
        StoreError when the store cannot say.

        Cancelling the call before ``act`` leaves nothing behind.
        """
        conversations = self.conversations
        asked: list[str] = []
        pinned: list[Conversation] = []

        def keep(conversation: Conversation) -> None:
            conversation.pins += 1
            pinned.append(conversation)

        for recipient in dict.fromkeys(recipients):
            known = conversations.get(recipient)
            if known is not None:
                keep(known)
            else:
                conversations.ask(recipient)
                asked.append(recipient)
        try:
            found = await self._store.find_entities(CONVERSATION, asked) if asked else {}
            self.looked_up += len(asked)
            for recipient in asked:
                keep(conversations.learn(recipient, found.get(recipient)))
            act()
        finally:
            for recipient in asked:
                conversations.answered(recipient)
            for conversation in pinned:
                conversations.unpin(conversation)

    def forget(self, recipient: str, account: str) -> None:
        """Of the E.164 number ``recipient`` what ``account``, or with ``""`` anybody, wrote: it is gone from the store.

        As long as a message to it is under way, nothing: it goes to the store with that message."""
        known = self.conversations.peek(recipient)
        if known is not None and not known.pins:
            known.uses = [use for use in known.uses if account and use.account != account]

    # --- messages from handsets ---

    def number_at(self, address: str, source_addr: str, carrier: str) -> Number | None:
        """The number of ours that somebody at ``source_addr`` wrote to, as ``carrier`` brought it; ``None``: none."""
        if not self.inventory.numbers:
            return None
        return self.inventory.at(address.removeprefix("+"), country_of(_digits(source_addr)), carrier)

    def owner_of(self, number: Number, now: int) -> str:
        """The account that has ``number`` for itself, ``""`` for nobody or several."""
        return number.owner_at(now)

    def last_writer(self, number: Number, source_addr: str) -> str | None:
        """The account that wrote last from ``number`` to who writes to it now, if it still has it; ``""``: nobody did.

        ``None``: that must be looked up first, under :meth:`recipient_of`.
        """
        conversation = self.conversations.get(_digits(source_addr))
        if conversation is None:
            return None
        account = conversation.last_writer(number.key)
        return account if account in number.accounts else ""

    def recipient_of(self, source_addr: str) -> str:
        """Under what a handset that writes to us is known as a recipient."""
        return _digits(source_addr)

    def may_send(self, account: str, address: str, country: str, now: int) -> bool:
        """Whether ``address`` is a number, or a name, that ``account`` has in ``country`` and may send from."""
        number = self.inventory.at(address.removeprefix("+"), country, "")
        return number is not None and number.country == country and number.may_send_for(account, now)

    def owns(self, address: str) -> bool:
        """Whether ``address`` is one of our numbers."""
        return self.inventory.has_address(address.removeprefix("+"))

    # --- time ---

    async def run(self) -> None:
        """Once a second: end leases and quarantines, serve allocations, forget old conversations."""
        while True:
            if self._store.failing is None:
                self.tick()
                try:
                    await self._purge()
                except StoreError as error:
                    log.warning("conversations_not_purged", error=str(error))
            await trio.sleep(INTERVAL_S)

    def tick(self) -> None:
        """Do what is due now, at most a thousand of each."""
        now = self._clock.now_ms()
        book, inventory = self.book, self.inventory
        updates = book.put(inventory.due(now, BATCH))
        over = [one.name for one in inventory.allocations.values() if one.ends_at <= now]
        for name in over:
            updates += book.drop_allocation(name)
        if inventory.allocations and not book.is_importing:
            leases, short = allotted(inventory, now, BATCH)
            updates += book.put(leases)
            for name in short.keys() - self._short.keys():
                log.warning("allocation_short", allocation=name, missing=short[name])
            self._short = short
        if updates:
            book.write(updates)

    async def _purge(self) -> None:
        """Delete the conversations that nobody has written in for long, a page of the store at a time."""
        now = self._clock.now_ms()
        if now < self._purge_at:
            return
        before = now - self._ttl_ms
        touched: set[str] = set()
        self._touched = touched
        try:
            page = await self._store.list_entities(CONVERSATION, self._purge_after, BATCH)
        finally:
            self._touched = None
        if len(page) == BATCH:
            self._purge_after = page[-1][0]
        else:
            self._purge_after, self._purge_at = "", now + PURGE_INTERVAL_MS
        updates = []
        for recipient, record in page:
            known = self.conversations.peek(recipient)
            is_free = known is None or (not known.pins and known.last_at < before)
            if is_free and recipient not in touched and read_conversation(recipient, record).last_at < before:
                self.conversations.drop(recipient)
                updates.append(EntityUpdate(CONVERSATION, recipient, None))
        if updates:
            self._store.write(Changes(entities=updates))

    # --- what is told ---

    @property
    def choices_held(self) -> int:
        """Choices of senders whose message is neither stored nor refused yet."""
        return self._held


def _digits(address: str) -> str:
    return address.removeprefix("+").removeprefix("00")


def _send_from(message: Message, number: Number) -> None:
    message.source_addr = number.address
    message.source_addr_ton, message.source_addr_npi = form_of(number)


def _siblings_key(message: Message) -> tuple[str, ...] | None:
    """What tells a long message that its customer cut into parts; ``None``: it is no part."""
    said = concatenation_of(message)
    if said is None or said.total == 1:
        return None
    return message.account, message.source_addr, message.destination_addr, f"{said.reference} {said.total}"


def _update_of(conversation: Conversation) -> EntityUpdate:
    return EntityUpdate(CONVERSATION, conversation.recipient, write_conversation(conversation))
