"""Looks on while somebody traces: cuts octets into PDUs, finds out whom they concern, and passes them on.

Theory of operation. The hub is the server's watcher only while there are subscriptions; else nothing of this runs.
A response says little of itself, so every request is remembered until it is answered, and the response belongs to whom
the request belonged to. The other way round, a submit_sm has no id before its response: a request that nobody wanted is
kept with what is known of it, and is passed on late when the response shows that it was wanted. A carrier's receipt
names the carrier's id only, which the hub knows from the submit_sm_resp that it saw.

All of this is bounded: :data:`REQUESTS_MAX` a session, :data:`CARRIER_IDS_MAX`, :data:`RECORDS_MAX` waiting for a slow
client (what does not fit is counted and dropped). A bug here ends the traces, never a session.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import structlog
import trio
from attrs import define, field

from smsagg.clock import Clock
from smsagg.control import Caller
from smsagg.model import Delivery, Message
from smsagg.observe.watch import Watch, WatchedSession
from smsagg.smpp.codec import HEADER
from smsagg.smpp.command import RESPONSE_BIT
from smsagg.smpp.errors import FramingError
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import Pdu
from smsagg.smpp.tlv import Tag, tlv_text
from smsagg.trace.records import Record, decision_record, pdu_record, read_pdu
from smsagg.trace.subject import Filter, Subject, digits_of

REQUESTS_MAX = 5_000
CARRIER_IDS_MAX = 50_000
RECORDS_MAX = 10_000
PDU_OCTETS_MAX = 1 << 20

FindMessage = Callable[[str], Awaitable[Message | None]]

log = structlog.get_logger("smsagg.trace")


@define(eq=False)
class Event:
    """One PDU with what is known of it."""

    session: WatchedSession
    inbound: bool
    frame: bytes
    pdu: Pdu | None
    at: float
    subject: Subject
    seen_by: "set[Subscription]" = field(factory=set)


@define(eq=False)
class Subscription:
    """One client's wish."""

    filter: Filter
    bodies: bool
    channel: trio.MemorySendChannel[Record]
    dropped: int = 0

    def offer(self, event: Event) -> None:
        """Pass the event on, once, if it is wanted."""
        if self not in event.seen_by and self.filter.matches(event.subject):
            event.seen_by.add(self)
            session, inbound, frame = event.session, event.inbound, event.frame
            bodies = self.bodies and not event.subject.is_secret
            self.send(pdu_record(session, inbound, frame, event.pdu, event.at, bodies=bodies))

    def send(self, record: Record) -> None:
        try:
            if self.dropped:
                self.channel.send_nowait({"kind": "dropped", "at": record["at"], "count": self.dropped})
                self.dropped = 0
            self.channel.send_nowait(record)
        except trio.WouldBlock:
            self.dropped += 1


@define(eq=False)
class _Session:
    """What is remembered of a session."""

    frames: dict[bool, FrameBuffer] = field(factory=dict)
    requests: dict[bool, OrderedDict[int, Event]] = field(factory=lambda: {True: OrderedDict(), False: OrderedDict()})


class TraceHub:
    """Implements :class:`~smsagg.observe.watch.Watcher`, and serves the control command ``trace``."""

    def __init__(self, watch: Watch, clock: Clock, find: FindMessage) -> None:
        self._watch = watch
        self._clock = clock
        self._find = find
        self._subscriptions: set[Subscription] = set()
        self._sessions: WeakKeyDictionary[WatchedSession, _Session] = WeakKeyDictionary()
        self._by_carrier_id: OrderedDict[tuple[str, str], Subject] = OrderedDict()

    # --- for clients ---

    async def serve(
        self, arguments: Mapping[str, Any], send: Callable[[Record], Awaitable[None]], caller: Caller
    ) -> None:
        """The command ``trace``: sends records until the caller goes away."""
        wanted, bodies = Filter.of(arguments), arguments.get("bodies") is True
        if bodies:
            log.warning("trace_shows_texts", uid=caller.uid, pid=caller.pid, account=wanted.account)
        log.info("trace_began", uid=caller.uid, pid=caller.pid, account=wanted.account, message_id=wanted.message)
        async with self.subscribed(wanted, bodies=bodies) as records:
            await send({"kind": "began", "at": self._now()})
            async for record in records:
                await send(record)

    @asynccontextmanager
    async def subscribed(self, wanted: Filter, *, bodies: bool) -> AsyncIterator[trio.MemoryReceiveChannel[Record]]:
        """Records of what happens within the block."""
        sender, receiver = trio.open_memory_channel[Record](RECORDS_MAX)
        subscription = Subscription(wanted, bodies, sender)
        if wanted.message:
            await self._recall(wanted.message)
        self._subscriptions.add(subscription)
        self._watch.watcher = self
        try:
            with receiver:
                yield receiver
        finally:
            self._subscriptions.discard(subscription)
            if not self._subscriptions:
                self._end()

    async def _recall(self, message_id: str) -> None:
        """A message that a carrier has already: its receipt will name the carrier's id."""
        message = await self._find(message_id)
        if message is not None and message.carrier_message_id:
            self._remember_carrier_id(message.carrier, message.carrier_message_id, _subject_of(message))

    def _end(self) -> None:
        self._watch.watcher = None
        self._sessions.clear()
        self._by_carrier_id.clear()

    # --- Watcher ---

    def on_octets(self, session: WatchedSession, inbound: bool, octets: bytes) -> None:
        """Supervises what it does with them: a bug here must not end the session."""
        try:
            for frame in self._frames(session, inbound, octets):
                self._on_frame(session, inbound, frame)
        except Exception:  # noqa: BLE001
            self._give_up()

    def on_decision(self, subject: object, decision: str, detail: str) -> None:
        """Supervised in the same way."""
        try:
            self._on_decision(subject, decision, detail)
        except Exception:  # noqa: BLE001
            self._give_up()

    def _give_up(self) -> None:
        log.exception("trace_crashed")
        for subscription in self._subscriptions:
            subscription.channel.close()
        self._subscriptions.clear()
        self._end()

    # --- what happened ---

    def _frames(self, session: WatchedSession, inbound: bool, octets: bytes) -> list[bytes]:
        known = self._sessions.get(session)
        if known is None:
            known = self._sessions[session] = _Session()
        buffer = known.frames.get(inbound)
        try:
            if buffer is None:
                buffer = known.frames[inbound] = FrameBuffer(PDU_OCTETS_MAX)
                if inbound:
                    buffer.feed(session.partial())
            return buffer.feed(octets)
        except FramingError as error:
            return error.frames

    def _on_frame(self, session: WatchedSession, inbound: bool, frame: bytes) -> None:
        _, command_id, command_status, sequence_number = HEADER.unpack_from(frame)
        requests = self._sessions[session].requests
        pdu = read_pdu(frame)
        event = Event(session, inbound, frame, pdu, self._now(), self._subject(session, pdu))
        if command_id & RESPONSE_BIT:
            request = requests[not inbound].pop(sequence_number, None)
            if request is not None:
                self._on_answered(request, event, command_status)
        else:
            if not inbound:
                event.subject.add(_subject_of(session.context_of(sequence_number)))
            pending = requests[inbound]
            pending[sequence_number] = event
            if len(pending) > REQUESTS_MAX:
                pending.popitem(last=False)
        for subscription in self._subscriptions:
            subscription.offer(event)

    def _on_answered(self, request: Event, response: Event, command_status: int) -> None:
        """A request and its response are about the same; who wants the one gets the other."""
        response.subject.add(request.subject)
        request.subject.add(response.subject)
        session = request.session
        carrier_message_id = getattr(response.pdu, "message_id", "")
        if session.side == "carrier" and not request.inbound and not command_status and carrier_message_id:
            self._remember_carrier_id(_carrier_of(session), carrier_message_id, request.subject)
        for subscription in self._subscriptions:
            subscription.offer(request)

    def _subject(self, session: WatchedSession, pdu: Pdu | None) -> Subject:
        """What the session and the PDU itself tell."""
        is_esme = session.side == "esme"
        subject = Subject(session.account, "" if is_esme else _carrier_of(session))
        if pdu is None:
            return subject
        for name in ("source_addr", "destination_addr"):
            if address := getattr(pdu, name, ""):
                subject.numbers.add(digits_of(address))
        told_id = getattr(pdu, "message_id", "") or tlv_text(pdu.tlvs, Tag.RECEIPTED_MESSAGE_ID) or ""
        if is_esme and told_id:
            subject.message_ids.add(told_id)
        elif told_id and (known := self._by_carrier_id.get((_carrier_of(session), _loose(told_id)))):
            subject.add(known)
        return subject

    def _remember_carrier_id(self, carrier: str, carrier_message_id: str, subject: Subject) -> None:
        for form in _forms(carrier_message_id):
            self._by_carrier_id[carrier, form] = subject
        while len(self._by_carrier_id) > CARRIER_IDS_MAX:
            self._by_carrier_id.popitem(last=False)

    def _on_decision(self, subject: object, decision: str, detail: str) -> None:
        about = _subject_of(subject)
        message_id = subject.message_id if isinstance(subject, Message | Delivery) else ""
        for subscription in self._subscriptions:
            if subscription.filter.matches(about):
                subscription.send(decision_record(self._now(), about.account, message_id, decision, detail))

    def _now(self) -> float:
        return self._clock.now_ms() / 1000


def _subject_of(context: object) -> Subject:
    """Of what stands behind a request or a decision."""
    if isinstance(context, Message):
        numbers = {digits_of(context.source_addr), digits_of(context.destination_addr)}
        return Subject(context.account, context.carrier, numbers, {context.message_id}, context.is_secret)
    if isinstance(context, Delivery):
        numbers = {digits_of(context.source_addr), digits_of(context.destination_addr)}
        return Subject(context.account, "", numbers, {context.message_id} if context.message_id else set())
    return Subject()


def _carrier_of(session: WatchedSession) -> str:
    """``acme`` of the link ``acme/1``."""
    return session.name.rpartition("/")[0]


def _loose(carrier_message_id: str) -> str:
    return carrier_message_id.lower().lstrip("0")


def _forms(carrier_message_id: str) -> set[str]:
    """How a receipt may write the id: as it is, in hexadecimal, in decimal. No message is matched by them."""
    forms = {_loose(carrier_message_id)}
    if carrier_message_id.isascii() and carrier_message_id.isalnum() and len(carrier_message_id) <= 20:
        if carrier_message_id.isdigit():
            forms.add(f"{int(carrier_message_id):x}")
        if all(character in "0123456789abcdefABCDEF" for character in carrier_message_id):
            forms.add(str(int(carrier_message_id, 16)))
    return forms
