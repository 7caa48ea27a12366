"""One link to an SMSC: keeps its association (or the two of a pair) alive, and offers the transmitter's window."""

import math
from collections.abc import Sequence
from random import Random

import structlog
import trio

from smsagg.carriers.base import CarrierEvents
from smsagg.carriers.smpp.association import Association
from smsagg.carriers.smpp.dial import Dial, dial
from smsagg.carriers.smpp.settings import VERSIONS, SmppSettings
from smsagg.carriers.smpp.translate import submit_sm_of
from smsagg.clock import Clock
from smsagg.errors import CarrierError
from smsagg.model import Message, NotSent, Outcome, Refused
from smsagg.observe.log import RateLimitedLog
from smsagg.queueing.rate import TokenBucket
from smsagg.smpp.errors import PduEncodeError
from smsagg.smpp.pdu import Bind, BindReceiver, BindTransceiver, BindTransmitter, SubmitSm
from smsagg.smpp.status import ESME_RINVMSGLEN

STEADY_S = 30.0
"""An association that lasted so long was a good one: the next reconnect is quick again."""
BURST_MIN = 2.0
"""Messages that a link with a rate may send at once: a tenth of a second's worth, but at least these. With a burst of
one a slow link loses a part of its rate each time that the loop is late."""


class SmppLink:
    """See :class:`~smsagg.carriers.base.Link`."""

    def __init__(
        self,
        carrier: str,
        number: int,
        settings: SmppSettings,
        events: CarrierEvents,
        clock: Clock,
        rng: Random,
        dial: Dial = dial,
    ) -> None:
        self.carrier = carrier
        self.name = f"{carrier}/{number}"
        self.settings = settings
        self.events = events
        self.rules = settings.make_rules()
        self.dial = dial
        self.draining = False
        self.resting = False
        """Unbound, or about to be, until :meth:`wake`."""
        self._woken = trio.Event()
        self._clock = clock
        self._rng = rng
        self._transmitter: Association | None = None
        self._associations: set[Association] = set()
        self._idle = trio.Event()
        self._ended = trio.Event()
        self._bucket = (
            TokenBucket(settings.rate, _burst_of(settings.rate), clock.monotonic_s()) if settings.rate else None
        )
        self._log = RateLimitedLog(structlog.get_logger().bind(carrier=carrier, link=self.name))

    def reconfigure(self, settings: SmppSettings) -> None:
        """Put settings in force that differ in ``LIVE_KEYS`` of the carrier only; what the bucket holds stays."""
        now, rate = self._clock.monotonic_s(), settings.rate
        if rate is None:
            self._bucket = None
        elif self._bucket is None:
            self._bucket = TokenBucket(rate, _burst_of(rate), now)
        elif rate != self.settings.rate:
            self._bucket.set_rate(rate, _burst_of(rate), now)
        self.settings = settings
        self.rules = settings.make_rules()

    @property
    def is_bound(self) -> bool:
        return self._transmitter is not None and self._transmitter.is_bound

    @property
    def window(self) -> int:
        return self.settings.window

    @property
    def in_flight(self) -> int:
        """Attempts that await their response."""
        return self._transmitter.connection.outstanding if self._transmitter is not None else 0

    def capacity(self, now: float) -> int:
        transmitter = self._transmitter
        if transmitter is None or not transmitter.is_bound or self.draining or self.resting:
            return 0
        free = transmitter.connection.window_free
        return free if self._bucket is None or free <= 0 else max(0, int(min(free, self._bucket.available(now))))

    def ready_at(self, now: float) -> float:
        transmitter = self._transmitter
        if transmitter is None or not transmitter.is_bound or self.draining or self.resting:
            return math.inf
        if transmitter.connection.window_free <= 0:
            return math.inf
        return now if self._bucket is None else self._bucket.ready_at(now)

    def send(self, messages: Sequence[Message]) -> None:
        transmitter = self._transmitter
        room = transmitter.connection.window_free if transmitter is not None and transmitter.is_bound else 0
        taken, left = messages[:room], messages[room:]
        if taken:
            assert transmitter is not None
            if self._bucket is not None:
                self._bucket.take(len(taken), self._clock.monotonic_s())
            now = self._clock.now_ms()
            settings = self.settings
            pdus = [submit_sm_of(message, settings, now) for message in taken]
            try:
                transmitter.send(pdus, taken)
            except PduEncodeError:
                self._send_singly(transmitter, pdus, taken)
        if left:
            self.report([NotSent(message) for message in left])

    def _send_singly(self, transmitter: Association, pdus: Sequence[SubmitSm], messages: Sequence[Message]) -> None:
        """One of these is more than a PDU can say: that one is refused, and the others go."""
        refused: list[Outcome] = []
        for pdu, message in zip(pdus, messages, strict=True):
            try:
                transmitter.send([pdu], [message])
            except PduEncodeError as error:
                self._log.warning("message_unsendable", message_id=message.message_id, error=str(error))
                refused.append(Refused(message, ESME_RINVMSGLEN))
        self.report(refused)

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """Outcomes of attempts on this link."""
        if not self.in_flight:
            self._idle.set()
            if self.resting:
                self._unbind()
        self.events.on_outcomes(self, outcomes)
        if self.is_bound:
            self.events.on_capacity(self)

    def association_ended(self, association: Association, outcomes: Sequence[Outcome]) -> None:
        """An association is over; ``outcomes`` tells of what it had outstanding."""
        self._associations.discard(association)
        if association is self._transmitter:
            self._transmitter = None
            self._idle.set()
        self._ended.set()
        if outcomes:
            self.report(outcomes)

    async def run(self) -> None:
        """Keep bound until cancelled or drained."""
        if self.settings.bind == "transceiver":
            await self._keep(BindTransceiver)
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep, BindTransmitter)
            nursery.start_soon(self._keep, BindReceiver)

    async def drain(self) -> None:
        """Take nothing more, wait for what is outstanding, unbind; returns when the associations are over."""
        self.draining = True
        while self.in_flight:
            self._idle = trio.Event()
            await self._idle.wait()
        self._unbind()
        self._woken.set()
        while self._associations:
            self._ended = trio.Event()
            await self._ended.wait()

    def rest(self) -> None:
        """See :class:`~smsagg.carriers.base.RestingCarrier`."""
        if not self.resting:
            self.resting = True
            self._woken = trio.Event()
        if not self.in_flight:
            self._unbind()

    def wake(self) -> None:
        """Bind again; what was about to be unbound stays."""
        self.resting = False
        self._woken.set()
        if self.is_bound:
            self.events.on_capacity(self)

    def _unbind(self) -> None:
        for association in list(self._associations):
            association.unbind()

    async def _keep(self, bind: type[Bind]) -> None:
        """Associate again and again: the old connection closed first, exponential back-off with jitter between.

        Supervises the association: whatever goes wrong in one ends that one only.
        """
        delay_s: float = self.settings.reconnect_first
        while not self.draining:
            if self.resting:
                await self._woken.wait()
                continue
            association = Association(self, self._bind_pdu(bind))
            try:
                reason = await association.run(self._on_bound)
                self._log.warning("association_ended", bind=bind.__name__, reason=reason)
            except CarrierError as error:
                self._log.warning("association_failed", bind=bind.__name__, error=str(error))
            except Exception:  # noqa: BLE001  a bug met by one carrier must not end the others
                self._log.exception("association_crashed", bind=bind.__name__)
            if association.bound_at is not None and trio.current_time() - association.bound_at > STEADY_S:
                delay_s = self.settings.reconnect_first
            if self.draining or self.resting:
                continue
            await trio.sleep(delay_s * self._rng.uniform(0.5, 1.0))
            delay_s = min(delay_s * 2, self.settings.reconnect_max)

    def _bind_pdu(self, bind: type[Bind]) -> Bind:
        settings = self.settings
        version = VERSIONS[settings.interface_version]
        return bind(settings.system_id, settings.secret, settings.system_type, version)

    def _on_bound(self, association: Association) -> None:
        self._associations.add(association)
        if self.draining or self.resting:  # it was on its way when that began
            association.unbind()
            return
        if association.transmits:
            self._transmitter = association
        self._log.info("link_bound")
        self.events.on_capacity(self)


def _burst_of(rate_per_s: float) -> float:
    return max(rate_per_s / 10, BURST_MIN)
