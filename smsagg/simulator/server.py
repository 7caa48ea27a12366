"""The stand-alone SMSC simulator: a listener, its sessions, and one task that does everything on time.

Theory of operation. A submit_sm is planned by the :class:`~smsagg.carriers.behaviour.Behaviour` when it is read; its
response and its receipts go into time slots. The pump task sleeps until the next slot and serves it whole: early
receipts, then responses, then receipts, then one write a session. No task and no timer is spent on a message.

Outages act on the wire: ``unbind`` says good-bye and then refuses binds, ``drop`` resets the connections and then
refuses binds, ``refuse`` answers each submit_sm with ESME_RSYSERR, ``silent`` reads and does nothing at all.
"""

import errno
import socket
from collections.abc import Iterable
from math import inf
from random import Random

import trio
from attrs import define

from smsagg.carriers.behaviour import Behaviour
from smsagg.carriers.slots import TimeSlots
from smsagg.clock import Clock
from smsagg.simulator import wire
from smsagg.simulator.deliveries import Client, Delivery
from smsagg.simulator.journal import Journal
from smsagg.simulator.session import Session
from smsagg.simulator.settings import SimulatorSettings
from smsagg.simulator.statistics import Statistics
from smsagg.smpp.pdu import Bind
from smsagg.smpp.status import ESME_RBINDFAIL, ESME_ROK, ESME_RSYSERR, ESME_RTHROTTLED

SWEEP_S = 0.5
BACKLOG = 1_024
ACCEPT_RETRY_S = 0.1
CLIENTS_MAX = 10_000
FINAL_RECEIPT_BITS = 0x03
_RECEIPT_ON_FAILURE = 2
_RECEIPT_ON_SUCCESS = 3


def listen(host: str, port: int) -> socket.socket:
    """A listening socket for :meth:`Simulator.serve`; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listener.setblocking(False)
    return listener


@define(eq=False)
class _Response:
    """A submit_sm_resp on its way."""

    session: Session
    octets: bytes
    message_id: str
    command_status: int


class Simulator:
    """One simulated SMSC; :meth:`serve` runs it."""

    def __init__(self, settings: SimulatorSettings, clock: Clock, rng: Random, journal: Journal | None = None) -> None:
        self.settings = settings
        self.statistics = Statistics()
        self.journal = journal
        self.now = clock.monotonic_s()
        """Monotonic; as fresh as the last read or tick."""
        self.now_ms = clock.now_ms()
        self._clock = clock
        self._rng = rng
        first_id = self.now_ms * 1_000  # beyond the ids of earlier runs, below a million a second
        self._behaviour = Behaviour(settings, self.now, first_id)
        self._outage: str | None = None
        self._responses: TimeSlots[_Response] = TimeSlots(settings.tick)
        self._early: TimeSlots[Delivery] = TimeSlots(settings.tick)
        self._deliveries: TimeSlots[Delivery] = TimeSlots(settings.tick)
        self._pending = 0
        self._mo_pending = 0
        self._next_mo_at = self._behaviour.next_mo_at(self.now, rng)
        self._clients: dict[str, Client] = {}
        self._sessions: dict[Session, None] = {}
        self._touched: dict[Session, None] = {}
        self._pump_scope = trio.CancelScope()
        self._stopping = False
        self._session_ended = trio.Event()

    @property
    def is_silent(self) -> bool:
        """A silent outage is on: what is read is thrown away."""
        return self._outage == "silent"

    async def serve(
        self, listener: socket.socket, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve what connects to ``listener`` (of :func:`listen`) until cancelled; the listener is closed then.

        Runs the acceptor, the pump, the sweeper, and two tasks a session.
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pump)
                nursery.start_soon(self._sweep)
                task_status.started()
                await self._accept(listener, nursery)
        finally:
            listener.close()

    async def stop(self, deadline_s: float = 2.0) -> None:
        """Unbind every session and wait until they are gone, at most so long. No new one is taken."""
        self._stopping = True
        for session in list(self._sessions):
            session.request_unbind()
        with trio.move_on_after(deadline_s):
            while self._sessions:
                self._session_ended = trio.Event()
                await self._session_ended.wait()

    # --- asked by sessions ---

    def judge_bind(self, pdu: Bind) -> int:
        """The command_status for a bind request."""
        accounts = self.settings.accounts
        command_status = ESME_ROK
        if self._outage in ("unbind", "drop") or self._stopping:
            command_status = ESME_RSYSERR
        elif accounts and accounts.get(pdu.system_id) != pdu.password:
            command_status = ESME_RBINDFAIL
        elif pdu.system_id not in self._clients and len(self._clients) >= CLIENTS_MAX:
            command_status = ESME_RSYSERR
        if command_status:
            self.statistics.binds_refused += 1
        else:
            self.statistics.binds += 1
        return command_status

    def welcome(self, session: Session, system_id: str) -> Client:
        """The client of a session that has bound; what is ready for it is sent."""
        client = self._clients.setdefault(system_id, Client(system_id))
        if session.may_receive:
            client.receivers.append(session)
            self.refresh()
            client.pump()
        return client

    def submit(self, session: Session, frame: bytes, number: int, submitted: wire.Submitted) -> None:
        """Decide about a submit_sm and plan what follows."""
        now, statistics, settings = session.heard_at, self.statistics, self.settings
        client = session.client
        assert client is not None
        statistics.submits += 1
        if session.unanswered >= settings.window_max:
            statistics.responses[ESME_RTHROTTLED] += 1
            session.send(wire.submit_sm_resp(number, ESME_RTHROTTLED, ""))
            return
        plan = self._behaviour.plan(now, self._rng)
        command_status, message_id = plan.command_status, plan.carrier_message_id
        if self.journal is not None:
            self.journal.submitted(client.system_id, frame, message_id, command_status)
        response_at = inf
        if plan.response_after_s is None:
            statistics.unanswered += 1
        else:
            statistics.responses[command_status] += 1
            session.unanswered += 1
            response_at = now + plan.response_after_s
            octets = wire.submit_sm_resp(number, command_status, message_id)
            self._responses.add(response_at, _Response(session, octets, message_id, command_status))
        wanted = submitted.registered_delivery & FINAL_RECEIPT_BITS
        if wanted:
            for due_s, word, error in plan.receipts:
                if wanted == 1 or (wanted == _RECEIPT_ON_SUCCESS) == (word == "DELIVRD"):
                    delivery = Delivery(client, message_id, plan.receipt_id, word, error, submitted, self.now_ms)
                    self._plan_delivery(delivery, now + due_s, response_at)

    def _plan_delivery(self, delivery: Delivery, due_at: float, response_at: float) -> None:
        if self._pending >= self.settings.receipts.pending_max:
            self.statistics.receipts_lost += 1
            return
        self._pending += 1
        (self._early if due_at < response_at < inf else self._deliveries).add(due_at, delivery)

    def acknowledge(self, delivery: Delivery, command_status: int) -> None:
        """A client answered a deliver_sm."""
        if self.journal is not None:
            self.journal.acknowledged(delivery.message_id, delivery.word, command_status)
        if command_status != ESME_ROK:
            self._repeat([delivery])
        elif delivery.is_mo:
            self._mo_pending -= 1
            self.statistics.mo_acknowledged += 1
        else:
            self._pending -= 1
            self.statistics.receipts_acknowledged += 1

    def count_sent(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.is_mo:
                self.statistics.mo_sent += 1
            else:
                self.statistics.receipts_sent += 1

    def touch(self, session: Session) -> None:
        """The session has something to flush."""
        self._touched[session] = None

    def wake(self) -> None:
        """Something was planned: let the pump look at the slots again, and send what a session was given."""
        next_at = self._next_at()
        if next_at < self._pump_scope.deadline:
            self._pump_scope.deadline = next_at
        self._flush()

    # --- the pump ---

    async def _pump(self) -> None:
        while True:
            self.refresh()
            self._follow_outages()
            if not self.is_silent:
                self._serve_slots()
            self._flush()
            with trio.CancelScope(deadline=self._next_at()) as self._pump_scope:
                await trio.sleep_forever()

    def refresh(self) -> float:
        """Read the clocks; returns :attr:`now`."""
        self.now = self._clock.monotonic_s()
        self.now_ms = self._clock.now_ms()
        return self.now

    def _next_at(self) -> float:
        due = self._behaviour.next_change_at(self.now)
        if self.is_silent:
            return due
        return min(due, self._responses.next_at, self._early.next_at, self._deliveries.next_at, self._next_mo_at)

    def _serve_slots(self) -> None:
        now, journal = self.now, self.journal
        self._make_ready(self._early.take_due(now))
        for response in self._responses.take_due(now):
            session = response.session
            if session in self._sessions:
                session.unanswered -= 1
                session.send(response.octets)
                self._touched[session] = None
                if journal is not None:
                    journal.responded(response.message_id, response.command_status)
        self._make_ready(self._deliveries.take_due(now))
        self._make_mo(now)

    def _make_ready(self, deliveries: Iterable[Delivery]) -> None:
        clients: dict[Client, None] = {}
        for delivery in deliveries:
            client = delivery.client
            client.ready.append(delivery)
            clients[client] = None
        for client in clients:
            if client.receivers:
                client.pump()
            elif not self.settings.keep_receipts:
                self._lose_ready(client)

    def _make_mo(self, now: float) -> None:
        while self._next_mo_at <= now:
            self._next_mo_at = self._behaviour.next_mo_at(max(self._next_mo_at, now - 1), self._rng)
            clients = [client for client in self._clients.values() if client.receivers]
            if clients and self._mo_pending < self.settings.mo.pending_max:
                self._mo_pending += 1
                mo = self._behaviour.make_mo(self._rng)
                body = wire.mo_body(mo.source_addr, mo.destination_addr, mo.text)
                client = self._rng.choice(clients)
                self._make_ready([Delivery(client, "", "", "MO", 0, None, self.now_ms, body)])

    def _flush(self) -> None:
        for session in self._touched:
            session.flush()
        self._touched.clear()

    # --- faults and ends ---

    def _follow_outages(self) -> None:
        outage = self._behaviour.outage(self.now)
        if outage == self._outage:
            return
        self._outage = outage
        for session in list(self._sessions):
            if outage == "unbind":
                session.request_unbind()
            elif outage == "drop":
                session.drop()

    def _repeat(self, deliveries: Iterable[Delivery]) -> None:
        """Send again, later."""
        due_at = self.now + self.settings.receipts.retry_after
        for delivery in deliveries:
            self.statistics.receipts_repeated += 1
            self._deliveries.add(due_at, delivery)

    def _lose_ready(self, client: Client) -> None:
        for delivery in client.ready:
            if delivery.is_mo:
                self._mo_pending -= 1
            else:
                self._pending -= 1
                self.statistics.receipts_lost += 1
        client.ready.clear()

    async def _accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                continue
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                await trio.sleep(ACCEPT_RETRY_S)
                continue
            if self._stopping or len(self._sessions) >= self.settings.sessions_max:
                sock.close()
                continue
            nursery.start_soon(self._run_session, sock)

    async def _run_session(self, sock: socket.socket) -> None:
        session = Session(self, sock, trio.current_time())
        self._sessions[session] = None
        self.statistics.sessions += 1
        try:
            await session.run()
        finally:
            del self._sessions[session]
            self._touched.pop(session, None)
            self._part(session)
            self._session_ended.set()

    def _part(self, session: Session) -> None:
        """A session is over: what it had not acknowledged goes to its client's other sessions, or waits."""
        client = session.client
        if client is None:
            return
        outstanding = session.take_outstanding()
        self.statistics.receipts_repeated += len(outstanding)
        client.ready.extendleft(reversed(outstanding))
        if session.may_receive:
            client.receivers.remove(session)
        if client.receivers:
            self.refresh()
            client.pump()
            self._flush()
        elif not self.settings.keep_receipts:
            self._lose_ready(client)

    async def _sweep(self) -> None:
        """Look after sessions that do not bind, are silent, or do not answer."""
        settings = self.settings
        while True:
            await trio.sleep(SWEEP_S)
            self.refresh()
            now = self.now
            for session in list(self._sessions):
                if session.client is None and now - session.opened_at > settings.session_init_timeout:
                    session.close()
                elif session.client is not None and not self.is_silent:
                    self._repeat(session.take_overdue(now - settings.deliver_timeout))
                    self._check_health(session, now)
            if self.journal is not None:
                self.journal.flush()
            self.wake()

    def _check_health(self, session: Session, now: float) -> None:
        interval_s = self.settings.enquire_link_interval
        if session.asked_at is not None and now - session.asked_at > interval_s:
            session.drop()
        elif session.asked_at is None and now - session.heard_at > interval_s:
            session.enquire_link(now)
