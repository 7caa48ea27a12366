"""One ESME's association: answers its requests, hands it its deliveries.

Per read from the socket there is one call with everything in it: all submit_sm of the read become one batch for the
engine, and their responses leave together after its commit. Nothing here waits, except for a bind's password
check and for operations that ask the store, which run in tasks of their own (the window bounds them). What each
operation does stands in :mod:`smsagg.esme.operations`.
"""

from collections.abc import Callable, Sequence
from functools import partial

import structlog
import trio

from smsagg.config.schema import AccountSettings
from smsagg.engine.accounts import Account
from smsagg.esme.accepting import accept
from smsagg.esme.authenticator import BindRefusal
from smsagg.esme.binding import BIND_TYPES, authenticate, register
from smsagg.esme.bound import Bound
from smsagg.esme.deliver import (
    make_alert_notification,
    make_data_sm,
    make_deliver_sm,
    make_old_deliver_sm,
    recode,
    status_of,
)
from smsagg.esme.door import FrontDoor
from smsagg.esme.operations import ASKING, BATCHED
from smsagg.esme.operations.ported import when_networks_are_known
from smsagg.esme.peer import Peer
from smsagg.model import CarrierAlert, Delivery
from smsagg.session import SessionDriver
from smsagg.smpp.connection import Connection, Received, Role
from smsagg.smpp.pdu import (
    Bind,
    BindTransmitter,
    DataSmResp,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Outbind,
    Pdu,
    Request,
    Unbind,
    refusal,
)
from smsagg.smpp.status import ESME_RBINDFAIL, ESME_RINVCMDID, ESME_ROK
from smsagg.text import DefaultCoding

_PROBE = "probe"
_UNBIND = "unbind"
LEAVE_S = 15.0
"""A session that is to end takes no longer."""


class EsmeSession:
    """From the accepted connection to its end; a :class:`~smsagg.engine.ending.deliveries.Sink` once bound to
    receive."""

    def __init__(
        self, stream: trio.abc.Stream, peer: Peer, door: FrontDoor, outbind: Outbind | None = None, account: str = ""
    ) -> None:
        """``outbind`` is what we say first on a connection that we made, to an ESME of ``account`` and no other."""
        self._door = door
        self._peer = peer
        self._connection = Connection(Role.SMSC, door.limits, door.timers, trio.current_time())
        door.pdu_counts.began(self._connection.statistics)
        if outbind is not None:
            self._connection.request(outbind, None, trio.current_time())
        self._only_account = account
        self._driver = SessionDriver(stream, self._connection, self, door.driver_limits)
        self._watched = self._driver.watch_as(door.engine.watch, "esme", peer.address, (peer.address, 0))
        self._bound: Bound | None = None
        self._system_id, self._proof = "", ""
        """By which the bind was let in."""
        self._bind_type = ""
        self._is_leaving = False
        self._is_sink = False
        self._make_delivery: Callable[[Delivery], Request] = make_deliver_sm
        self._is_probed = False
        self._nursery: trio.Nursery
        self._log = structlog.get_logger().bind(peer=peer.address)

    async def run(self) -> None:
        """Serve the association; returns when it is over and all that it held has been given back."""
        reason = "cancelled"
        try:
            async with trio.open_nursery() as self._nursery:
                reason = await self._driver.run()
                self._nursery.cancel_scope.cancel()
        except Exception:
            reason = "crashed"
            raise
        finally:
            self._give_back()
            self._door.metrics.smpp_sessions_closed[reason].n += 1
            self._door.pdu_counts.ended(self._connection.statistics)
            if self._bound is not None:
                self._log.info("session_ended", account=self._bound.account.name, reason=reason)

    # --- SessionHandler ---

    def on_received(self, received: Received) -> None:
        if received.responses:
            self._on_responses(received.responses)
        if received.late_responses:
            self._on_late_responses(received.late_responses)
        if received.requests:
            self._on_requests(received.requests)

    def on_expired(self, contexts: list[object]) -> None:
        if _PROBE in contexts:
            self._driver.abort("no_answer")
        if _UNBIND in contexts:
            self._driver.close("stopped")
        unanswered = [(context, None) for context in contexts if isinstance(context, Delivery)]
        if unanswered and self._bound is not None:
            self._door.engine.deliveries.on_answers(self._bound.account.name, unanswered)

    # --- BoundSession and Sink ---

    def probe(self) -> None:
        if not self._is_probed and self._connection.window_free > 0:
            self._is_probed = True
            self._connection.request(EnquireLink(), _PROBE, trio.current_time())
            self._driver.flush()

    def alert(self, alert: CarrierAlert) -> bool:
        """Dropped for a peer that leaves what it is sent unread."""
        connection = self._connection
        if not self._is_sink or not connection.window_free or self._driver.is_closing:
            return False
        if connection.outgoing_octets > self._door.driver_limits.outbox_octets_max:
            return False
        connection.request(make_alert_notification(alert), None, trio.current_time())
        self._driver.flush()
        return True

    @property
    def was_bound(self) -> bool:
        """A bind of the peer was let in."""
        return self._bound is not None

    @property
    def delivery_window_free(self) -> int:
        if not self._is_sink or self._is_leaving or self._driver.is_closing:
            return 0
        return self._connection.window_free

    @property
    def deliveries_outstanding(self) -> int:
        return self._connection.outstanding

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        pdus = [self._make_delivery(delivery) for delivery in deliveries]
        self._connection.request_many(pdus, deliveries, trio.current_time())
        self._driver.flush()

    # --- another configuration ---

    def reconfigure(self) -> None:
        """The door has another configuration: go on under it, or end in order if it would not let the peer in."""
        if self._bound is None or self._is_leaving:
            return
        account = self._bound.account
        objection = self._door.authenticator.objection(account, self._peer, self._system_id, self._proof)
        if objection is None:
            self._make_delivery = _maker_for(account.settings, self._bound.takes_short_ids)
            return
        self._log.info("session_ending", account=account.name, reason=objection.value)
        self._is_leaving = self._bound.is_leaving = True
        self._nursery.start_soon(self._leave)

    async def _leave(self) -> None:
        with trio.move_on_after(LEAVE_S):
            await self.stop()
            await trio.sleep_forever()
        self._driver.close("stopped")

    # --- requests ---

    def _on_requests(self, requests: Sequence[Pdu]) -> None:
        batches: dict[type[Pdu], list[Pdu]] = {}
        for pdu in requests:
            kind = type(pdu)
            if kind in BATCHED:
                batches.setdefault(kind, []).append(pdu)
            elif kind in ASKING:
                self._nursery.start_soon(self._ask, pdu)
            elif isinstance(pdu, Bind):
                self._nursery.start_soon(self._bind, pdu)
            elif isinstance(pdu, Request) and pdu.is_answered:
                self._connection.respond(
                    GenericNack(sequence_number=pdu.sequence_number, command_status=ESME_RINVCMDID)
                )
        if batches and self._bound is not None:
            for kind, pdus in batches.items():
                when_networks_are_known(self._bound, pdus, BATCHED[kind])

    async def _ask(self, pdu: Pdu) -> None:
        assert self._bound is not None
        with self._bound.busy():
            self._bound.answer(await ASKING[type(pdu)](self._bound, pdu))

    # --- bind ---

    async def _bind(self, pdu: Bind) -> None:
        door = self._door
        found = await authenticate(door, pdu, self._peer)
        if self._driver.is_closing:  # what followed the bind ended the session before it began
            return
        if self._only_account and isinstance(found, Account) and found.name != self._only_account:
            found = BindRefusal.CREDENTIALS
        account = register(door, pdu, found, self._peer, self)
        if account is None:
            self._connection.respond(refusal(pdu, ESME_RBINDFAIL))
            self._driver.close("bind_refused")
            return
        self._system_id, self._proof = pdu.system_id, door.authenticator.proof(pdu.system_id, pdu.password)
        self._bound = Bound(door, account, self._connection, self._driver.flush, self._nursery.start_soon)
        self._watched.account = account.name
        self._bind_type = BIND_TYPES[type(pdu)]
        self._driver.pace = partial(door.pace.charge, account.name)
        accept(self._connection, pdu, account.settings, door.system_id)
        self._make_delivery = _maker_for(account.settings, self._bound.takes_short_ids)
        self._log.info("session_bound", account=account.name, bind_type=self._bind_type)
        held = self._connection.take_held(trio.current_time())
        self.on_received(held)
        if held.close is not None:
            self._driver.close(held.close.value)
        self._driver.flush()
        if not isinstance(pdu, BindTransmitter):
            self._is_sink = True
            door.engine.deliveries.attach(account.name, self)

    # --- responses and the end ---

    def _on_responses(self, responses: Sequence[tuple[object, Pdu]]) -> None:
        answers: list[tuple[Delivery, int | None]] = []
        for context, pdu in responses:
            if type(context) is Delivery:
                answers.append((context, status_of(pdu)))  # type: ignore[arg-type]
            elif context is _PROBE:
                self._is_probed = False
            elif context is _UNBIND:
                self._driver.close("stopped")
        if answers and self._bound is not None:
            self._door.engine.deliveries.on_answers(self._bound.account.name, answers)

    def _on_late_responses(self, responses: Sequence[tuple[object, Pdu]]) -> None:
        """The ESME has what we meant to send again."""
        self._door.engine.deliveries.on_late_answers(
            [
                context
                for context, pdu in responses
                if isinstance(context, Delivery)
                and isinstance(pdu, DeliverSmResp | DataSmResp)
                and pdu.command_status == ESME_ROK
            ]
        )

    async def stop(self) -> None:
        """Unbind the peer once what is being committed is answered; the caller sets the deadline. From now on the peer
        is told to submit later, and is given nothing."""
        self._is_leaving = True
        if self._bound is not None:
            self._bound.is_leaving = True
            await self._bound.wait_settled()
        if self._connection.state.is_bound and not self._driver.is_closing:
            self._connection.request(Unbind(), _UNBIND, trio.current_time())
            self._driver.flush()
        else:
            self._driver.close("stopped")

    def _give_back(self) -> None:
        outstanding = [context for context in self._connection.end() if isinstance(context, Delivery)]
        if self._bound is None:
            return
        name = self._bound.account.name
        self._door.sessions.unbind(name, self._bind_type, self)
        if self._is_sink:
            self._is_sink = False
            self._door.engine.deliveries.detach(name, self, outstanding)


def _maker_for(settings: AccountSettings, takes_short_ids: bool) -> Callable[[Delivery], Request]:
    """How deliveries are written for the ESMEs of an account."""
    make: Callable[[Delivery], Request] = make_deliver_sm
    if takes_short_ids:
        make = make_old_deliver_sm
    elif settings.deliver_with == "data_sm":
        make = make_data_sm
    if settings.data_coding_0 == "gsm":
        return make
    default = DefaultCoding(settings.data_coding_0)
    return lambda delivery: make(recode(delivery, default))
