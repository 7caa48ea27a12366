"""The ESME under observation: several binds with a window each, at a bounded rate, that note everything they see.

A lost session is bound again at once. What it had not been answered is ``info``: unknown, and never sent again, so a
nonce is submitted once and everything that arrives twice was doubled by the system. Every deliver_sm is answered,
a small share of them with ESME_RX_T_APPN ("again later").
"""

import socket
import struct
import time
from itertools import count
from math import inf
from random import Random

import trio
from attrs import define, field

from tools.chaos import wire
from tools.chaos.history import ClientReceipt, Reply, Submit

READ_OCTETS = 65_536
TICK_S = 0.01
RECONNECT_S = 0.05
ESME_RX_T_APPN = 0x64

DESTINATIONS = ("447700900", "849012345", "998901234", "852612345", "120255501")


@define(frozen=True)
class Account:
    """One account of the run's configuration."""

    name: str
    system_id: str
    password: str
    binds: int
    at_most_once: bool = False


@define(frozen=True)
class Load:
    """What the ESME sends; shares are 0 to 1."""

    rate_per_s: float = 1_000.0
    window: int = 50
    no_receipt: float = 0.05
    """Messages that ask for no receipt."""
    short_lived: float = 0.03
    """Messages with a validity_period of 2 to 4 s."""
    again_later: float = 0.01
    """Receipts answered ESME_RX_T_APPN."""


@define(eq=False)
class Log:
    """What the ESME saw."""

    submits: list[Submit] = field(factory=list)
    receipts: list[ClientReceipt] = field(factory=list)
    sessions_lost: list[tuple[float, str]] = field(factory=list)
    """When a bound session ended, and how."""
    binds_refused: list[tuple[float, int]] = field(factory=list)


class Esme:
    """All binds of all accounts."""

    def __init__(self, port: int, accounts: tuple[Account, ...], load: Load, rng: Random) -> None:
        self.port = port
        self.log = Log()
        self.rng = rng
        self.load = load
        self.is_sending = True
        self._accounts = accounts
        self._nonces = count(1)
        self.session_numbers = count(1)
        self._binds: list[Bind] = []

    async def run(self) -> None:
        """Bind, send while :attr:`is_sending`, receive until cancelled."""
        self._binds = [Bind(self, account) for account in self._accounts for _ in range(account.binds)]
        async with trio.open_nursery() as nursery:
            for bind in self._binds:
                nursery.start_soon(bind.run)
            nursery.start_soon(self._send)

    @property
    def bound(self) -> int:
        return sum(bind.is_bound for bind in self._binds)

    @property
    def binds_wanted(self) -> int:
        return sum(account.binds for account in self._accounts)

    @property
    def outstanding(self) -> int:
        return sum(len(bind.outstanding) for bind in self._binds)

    def drop_one(self) -> None:
        """Cut one bind's connection, as a client that dies does: a reset, with whatever was on its way."""
        bound = [bind for bind in self._binds if bind.is_bound]
        if bound:
            self.rng.choice(bound).drop()

    def finish(self) -> None:
        """At the end of the run: what living sessions never answered."""
        for bind in self._binds:
            for submit in bind.outstanding.values():
                submit.reply = Reply.UNANSWERED

    def next_nonce(self) -> str:
        return f"n{next(self._nonces):08d}"

    async def _send(self) -> None:
        """Share a token bucket of a tenth of a second among the binds."""
        tokens, then = 0.0, time.monotonic()
        while True:
            await trio.sleep(TICK_S)
            now = time.monotonic()
            tokens = min(tokens + (now - then) * self.load.rate_per_s, self.load.rate_per_s / 10)
            then = now
            free = [bind for bind in self._binds if bind.free > 0] if self.is_sending else []
            self.rng.shuffle(free)
            for place, bind in enumerate(free):
                share = min(int(tokens) // (len(free) - place), bind.free)
                if share:
                    tokens -= share
                    bind.submit(share)


class Bind:
    """One transceiver that is bound again whenever it is lost."""

    def __init__(self, esme: Esme, account: Account) -> None:
        self._esme = esme
        self._account = account
        self._outbox = bytearray()
        self._work = trio.Event()
        self._numbers = count(1)
        self._session = 0
        self._ending = ""
        self._stream: trio.SocketStream | None = None
        self.outstanding: dict[int, Submit] = {}
        self.is_bound = False

    @property
    def free(self) -> int:
        return self._esme.load.window - len(self.outstanding) if self.is_bound and not self._ending else 0

    async def run(self) -> None:
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", self._esme.port)
            except OSError:
                await trio.sleep(RECONNECT_S)
                continue
            try:
                await self._serve(stream)
            finally:
                await trio.aclose_forcefully(stream)
            await trio.sleep(RECONNECT_S)

    def drop(self) -> None:
        if self._stream is not None:
            self._stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._stream.socket.close()

    async def _serve(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._session = next(self._esme.session_numbers)
        self._outbox, self._numbers, self._ending = bytearray(), count(1), ""
        self._write(wire.bind_transceiver(next(self._numbers), self._account.system_id, self._account.password))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_loop, stream)
            ending = await self._read_loop(stream)
            nursery.cancel_scope.cancel()
        if self.is_bound:
            self._esme.log.sessions_lost.append((time.monotonic(), self._ending or ending))
        self.is_bound = False
        self.outstanding.clear()  # they stay what they were: unknown

    def submit(self, number_of: int) -> None:
        esme, rng, load = self._esme, self._esme.rng, self._esme.load
        for _ in range(number_of):
            number, nonce = next(self._numbers), esme.next_nonce()
            registered = 0 if rng.random() < load.no_receipt else 1
            validity_s = float(rng.randint(2, 4)) if rng.random() < load.short_lived else inf
            validity = f"00000000000{validity_s:.0f}000R" if validity_s < inf else ""
            destination = rng.choice(DESTINATIONS) + f"{rng.randrange(1000):03d}"
            submit = Submit(
                nonce,
                self._account.name,
                self._session,
                time.monotonic(),
                registered,
                validity_s,
                self._account.at_most_once,
            )
            esme.log.submits.append(submit)
            self.outstanding[number] = submit
            self._write(wire.submit_sm(number, "447700900000", destination, nonce, registered, validity))

    def _write(self, octets: bytes) -> None:
        self._outbox += octets
        self._work.set()

    async def _write_loop(self, stream: trio.SocketStream) -> None:
        while True:
            await self._work.wait()
            self._work = trio.Event()
            octets, self._outbox = bytes(self._outbox), bytearray()
            try:
                await stream.send_all(octets)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

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
                self._serve_pdu(command_id, status, number, body)

    def _serve_pdu(self, command_id: int, status: int, number: int, body: bytes) -> None:
        if command_id == wire.SUBMIT_SM | wire.RESP:
            submit = self.outstanding.pop(number, None)
            if submit is not None:
                submit.answered_at = time.monotonic()
                submit.reply = Reply.FAIL if status else Reply.OK
                submit.command_status = status
                submit.message_id = "" if status else wire.message_id_of(body)
        elif command_id == wire.DELIVER_SM:
            self._receive(number, wire.ShortMessage(body))
        elif command_id == wire.BIND_TRANSCEIVER | wire.RESP:
            self.is_bound = status == wire.ESME_ROK
            if status:
                self._esme.log.binds_refused.append((time.monotonic(), status))
        elif command_id == wire.ENQUIRE_LINK:
            self._write(wire.pdu(wire.ENQUIRE_LINK | wire.RESP, number))
        elif command_id == wire.UNBIND:
            self._ending = "unbound"
            self._write(wire.pdu(wire.UNBIND | wire.RESP, number))

    def _receive(self, number: int, message: wire.ShortMessage) -> None:
        rng = self._esme.rng
        answer = ESME_RX_T_APPN if rng.random() < self._esme.load.again_later else wire.ESME_ROK
        message_id = wire.message_id_of(message.tlvs.get(wire.RECEIPTED_MESSAGE_ID, b""))
        state = message.tlvs.get(wire.MESSAGE_STATE, b"\0")[0]
        self._esme.log.receipts.append(
            ClientReceipt(
                time.monotonic(), self._account.name, self._session, message_id, state, message.short_message, answer
            )
        )
        self._write(wire.pdu(wire.DELIVER_SM | wire.RESP, number, b"" if answer else b"\0", answer))
