"""One transceiver of an observed ESME: what it sends, what it hears, and how it answers."""

import socket
import struct
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TYPE_CHECKING

import trio

from tools.chaos import wire
from tools.chaos.history import NO_ANSWER, Breach, Cancel, ClientMo, ClientReceipt, Query, Reply, Submit
from tools.chaos.referee import FROM_SMSC, Referee
from tools.chaos.workload import compose

if TYPE_CHECKING:
    from tools.chaos.esme import Account, Esme

READ_OCTETS = 65_536
WATCH_S = 0.5
GIVE_UP_S = 8.0
"""A request that was not answered for so long ends the session, as a customer's own timer would."""
ESME_RX_T_APPN = 0x64


class Bind:
    """One account's transceiver; its session may end and another begin."""

    def __init__(self, esme: "Esme", account: "Account") -> None:
        self._esme = esme
        self.account = account
        self._outbox = bytearray()
        self._work = trio.Event()
        self._numbers = count(1)
        self._session = 0
        self._ending = ""
        self._stream: trio.SocketStream | None = None
        self._referee = Referee(FROM_SMSC)
        self._deliveries_unanswered = 0
        self._nursery: trio.Nursery
        self.outstanding: dict[int, Submit | Cancel | Query] = {}
        self.is_bound = False
        self.was_refused = False
        """The last session ended before it began."""
        self.local_port = 0
        """Of the living connection."""

    @property
    def free(self) -> int:
        return self._esme.load.window - len(self.outstanding) if self.is_bound and not self._ending else 0

    def drop(self) -> None:
        """End the connection by a reset."""
        if self._stream is not None:
            self._stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._stream.socket.close()

    @property
    def session(self) -> int:
        """The number of the present session, or of the last one."""
        return self._session

    async def serve(self, stream: trio.SocketStream) -> None:
        """One session, from the bind request to its end."""
        self._stream = stream
        self.local_port = stream.socket.getsockname()[1]
        self._session = next(self._esme.session_numbers)
        self._outbox, self._numbers, self._ending = bytearray(), count(1), ""
        self._referee = Referee(FROM_SMSC, self.account.interface_version)
        self._deliveries_unanswered = 0
        self.was_refused = False
        account = self.account
        self._request(
            wire.BIND_TRANSCEIVER,
            lambda number: wire.bind_transceiver(
                number, account.system_id, account.password, account.interface_version
            ),
        )
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._write_loop, stream)
            self._nursery.start_soon(self._watch)
            ending = await self._read_loop(stream)
            self._nursery.cancel_scope.cancel()
        if self.is_bound:
            self._esme.log.sessions_lost.append((time.monotonic(), self._ending or ending))
        self.is_bound = False
        self.outstanding.clear()  # they stay what they were: unknown

    # --- requests ---

    def submit(self, nonce: str, registered_delivery: int, validity_s: float, schedule_s: int) -> None:
        order = compose(nonce, self._esme.rng, registered_delivery, validity_s, schedule_s)
        submit = Submit(
            nonce,
            self.account.name,
            self._session,
            time.monotonic(),
            registered_delivery,
            validity_s,
            self.account.at_most_once,
            is_scheduled=bool(schedule_s),
            pool=order.pool,
            content=order.content,
        )
        self._esme.log.submits.append(submit)
        number = self._request(
            wire.SUBMIT_SM,
            lambda number: wire.submit_sm(
                number,
                order.content,
                in_payload=order.in_payload,
                schedule=order.schedule,
                validity_period=order.validity_period,
            ),
        )
        self.outstanding[number] = submit

    def cancel(self, submit: Submit) -> None:
        cancel = Cancel(submit.nonce, submit.message_id, self.account.name, time.monotonic())
        self._esme.log.cancels.append(cancel)
        number = self._request(wire.CANCEL_SM, lambda number: wire.cancel_sm(number, submit.message_id))
        self.outstanding[number] = cancel

    def query(self, nonce: str, message_id: str) -> None:
        query = Query(nonce, message_id, self.account.name, time.monotonic())
        self._esme.log.queries.append(query)
        number = self._request(wire.QUERY_SM, lambda number: wire.query_sm(number, message_id))
        self.outstanding[number] = query

    def _request(self, command_id: int, encode: Callable[[int], bytes]) -> int:
        number = next(self._numbers)
        self._referee.sent(command_id, number)
        self._write(encode(number))
        return number

    # --- the connection ---

    def _write(self, octets: bytes) -> None:
        self._outbox += octets
        self._work.set()

    async def _write_loop(self, stream: trio.SocketStream) -> None:
        while True:
            await self._work.wait()
            self._work = trio.Event()
            octets, self._outbox = bytes(self._outbox), bytearray()
            if not await self._lives(stream.send_all(octets)):
                return

    async def _lives(self, sending: Awaitable[None]) -> bool:
        try:
            await sending
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def _read_loop(self, stream: trio.SocketStream) -> str:
        frames = wire.Frames()
        while True:
            try:
                octets = await stream.receive_some(READ_OCTETS)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return "reset"
            if not octets:
                return "closed"
            for command_id, status, number, body in frames.feed(bytes(octets)):
                breach = self._referee.received(command_id, status, number, body)
                if breach:
                    self._esme.log.breaches.append(Breach(time.monotonic(), f"esme {self.account.name}", breach))
                self._serve_pdu(command_id, status, number, body)

    async def _watch(self) -> None:
        """Give a session up whose server says nothing any more."""
        began_at = time.monotonic()
        while True:
            await trio.sleep(WATCH_S)
            oldest = next(iter(self.outstanding.values()), None)
            since = began_at if not self.is_bound else time.monotonic()
            if isinstance(oldest, Submit):
                since = oldest.invoked_at
            elif oldest is not None:
                since = oldest.asked_at
            if time.monotonic() - since > GIVE_UP_S:
                self._ending = "given up"
                self.drop()
                return

    def _serve_pdu(self, command_id: int, status: int, number: int, body: bytes) -> None:
        if command_id == wire.SUBMIT_SM | wire.RESP:
            self._submit_answered(status, number, body)
        elif command_id == wire.DELIVER_SM:
            self._receive(number, wire.ShortMessage(body))
        elif command_id == wire.BIND_TRANSCEIVER | wire.RESP:
            self.is_bound = status == wire.ESME_ROK
            self.was_refused = not self.is_bound
            if status:
                self._esme.log.binds_refused.append((time.monotonic(), status))
        elif command_id in (wire.CANCEL_SM | wire.RESP, wire.QUERY_SM | wire.RESP):
            self._question_answered(status, number, body)
        elif command_id == wire.ENQUIRE_LINK:
            self._write(wire.pdu(wire.ENQUIRE_LINK | wire.RESP, number))
        elif command_id == wire.UNBIND:
            self._ending = "unbound"
            self._write(wire.pdu(wire.UNBIND | wire.RESP, number))

    def _submit_answered(self, status: int, number: int, body: bytes) -> None:
        submit = self.outstanding.pop(number, None)
        if not isinstance(submit, Submit):
            return
        submit.answered_at = time.monotonic()
        submit.reply = Reply.FAIL if status else Reply.OK
        submit.command_status = status
        if not status:
            submit.message_id = wire.message_id_of(body)
            self._esme.acknowledged(submit)

    def _question_answered(self, status: int, number: int, body: bytes) -> None:
        asked = self.outstanding.pop(number, None)
        if not isinstance(asked, Cancel | Query):
            return
        asked.answered_at, asked.command_status = time.monotonic(), status
        if isinstance(asked, Query):
            asked.answer = body
            if not status:
                asked.told_id, asked.state = wire.queried(body)

    def _receive(self, number: int, message: wire.ShortMessage) -> None:
        self._deliveries_unanswered += 1
        log, now, content = self._esme.log, time.monotonic(), message.content
        received: ClientReceipt | ClientMo
        if message.esm_class & wire.ESM_CLASS_RECEIPT:
            message_id, state = wire.reported(message)
            received = ClientReceipt(
                now,
                self.account.name,
                self._session,
                message_id,
                state,
                message.short_message,
                NO_ANSWER,
                message.source,
                message.destination,
                self._deliveries_unanswered,
            )
            log.receipts.append(received)
        else:
            text = content.body.decode("latin-1")
            received = ClientMo(now, self.account.name, text, message.source, message.destination)
            received.unanswered = self._deliveries_unanswered
            log.mo.append(received)
        rng, load = self._esme.rng, self._esme.load
        answer = ESME_RX_T_APPN if rng.random() < load.again_later else wire.ESME_ROK
        if rng.random() < load.held:
            self._nursery.start_soon(self._answer_later, rng.uniform(0, load.held_s), number, received, answer)
        else:
            self._answer(number, received, answer)

    async def _answer_later(self, delay_s: float, number: int, received: ClientReceipt | ClientMo, answer: int) -> None:
        await trio.sleep(delay_s)
        self._answer(number, received, answer)

    def _answer(self, number: int, received: ClientReceipt | ClientMo, answer: int) -> None:
        self._deliveries_unanswered -= 1
        received.answer = answer
        self._write(wire.pdu(wire.DELIVER_SM | wire.RESP, number, b"" if answer else b"\0", answer))
