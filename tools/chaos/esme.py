"""The ESMEs under observation: all binds of all accounts, at a bounded rate, that note everything they see.

A lost session is bound again at once. What it had not been answered is ``info``: unknown, and never sent again, so a
nonce is submitted once and everything that arrives twice was doubled by the system. Some messages are cancelled, at
once or while they wait for their time, and some are asked about, by their owner and by others.
"""

import time
from itertools import count
from math import inf
from random import Random

import trio
from attrs import define, field

from tools.chaos.bind import Bind
from tools.chaos.history import Breach, Cancel, ClientMo, ClientReceipt, Query, Reply, Submit

TICK_S = 0.01
RECONNECT_S = 0.05
REFUSED_S = 0.5
"""Pause after a refused bind."""


@define(frozen=True)
class Account:
    """One account of the run's configuration."""

    name: str
    system_id: str
    password: str
    binds: int
    at_most_once: bool = False
    interface_version: int = 0x34


@define(frozen=True)
class Load:
    """What the ESME sends; shares are 0 to 1."""

    rate_per_s: float = 1_000.0
    window: int = 50
    no_receipt: float = 0.05
    """Messages that ask for no receipt."""
    some_receipts: float = 0.04
    """Messages that ask for receipts of failures alone, or of success alone."""
    short_lived: float = 0.03
    """Messages with a validity_period of 2 to 4 s."""
    scheduled: float = 0.01
    """Messages with a schedule_delivery_time in 2 to 4 s; every other one of them is cancelled before."""
    cancelled_at_once: float = 0.005
    """Messages that are cancelled as soon as they are acknowledged."""
    queried: float = 0.01
    """Messages that are asked about, within :attr:`query_after_s`."""
    query_after_s: float = 3.0
    asked_by_another: float = 0.2
    """Questions that another account asks."""
    again_later: float = 0.01
    """Receipts answered ESME_RX_T_APPN."""
    held: float = 0.1
    """Receipts that are answered only after up to :attr:`held_s`, so that windows fill."""
    held_s: float = 0.2


@define(eq=False)
class Log:
    """What the ESME saw."""

    submits: list[Submit] = field(factory=list)
    receipts: list[ClientReceipt] = field(factory=list)
    mo: list[ClientMo] = field(factory=list)
    cancels: list[Cancel] = field(factory=list)
    queries: list[Query] = field(factory=list)
    breaches: list[Breach] = field(factory=list)
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
        self.binds: list[Bind] = []
        self._nursery: trio.Nursery

    async def run(self) -> None:
        """Bind, send while :attr:`is_sending`, receive until cancelled."""
        self.binds = [Bind(self, account) for account in self._accounts for _ in range(account.binds)]
        async with trio.open_nursery() as self._nursery:
            for bind in self.binds:
                self._nursery.start_soon(self._keep, bind)
            self._nursery.start_soon(self._send)

    @property
    def bound(self) -> int:
        return sum(bind.is_bound for bind in self.binds)

    @property
    def binds_wanted(self) -> int:
        return sum(account.binds for account in self._accounts)

    @property
    def outstanding(self) -> int:
        return sum(len(bind.outstanding) for bind in self.binds)

    def drop_one(self) -> None:
        """Cut one bind's connection, as a client that dies does: a reset, with whatever was on its way."""
        bound = [bind for bind in self.binds if bind.is_bound]
        if bound:
            self.rng.choice(bound).drop()

    def finish(self) -> None:
        """At the end of the run: what living sessions never answered."""
        for bind in self.binds:
            for request in bind.outstanding.values():
                if isinstance(request, Submit):
                    request.reply = Reply.UNANSWERED
                else:
                    self.log.breaches.append(Breach(time.monotonic(), "esme", f"{request} was never answered"))

    def next_nonce(self) -> str:
        return f"n{next(self._nonces):08d}"

    def acknowledged(self, submit: Submit) -> None:
        """Decide what else is asked about a message that was just acknowledged."""
        load, rng = self.load, self.rng
        if submit.is_scheduled and rng.random() < 0.5:
            self._nursery.start_soon(self._cancel_later, submit, rng.uniform(0, 1.5))
        elif rng.random() < load.cancelled_at_once:
            self._nursery.start_soon(self._cancel_later, submit, 0.0)
        if rng.random() < load.queried:
            self._nursery.start_soon(self._query_later, submit, rng.uniform(0, load.query_after_s))

    async def _cancel_later(self, submit: Submit, delay_s: float) -> None:
        await trio.sleep(delay_s)
        bind = self._any_bind(submit.account)
        if bind is not None:
            submit.is_cancelled = True
            bind.cancel(submit)

    async def _query_later(self, submit: Submit, delay_s: float) -> None:
        await trio.sleep(delay_s)
        load, rng = self.load, self.rng
        others = [account.name for account in self._accounts if account.name != submit.account]
        is_foreign = others and rng.random() < load.asked_by_another
        bind = self._any_bind(rng.choice(others) if is_foreign else submit.account)
        if bind is None:
            return
        bind.query(submit.nonce, submit.message_id)
        if is_foreign:  # and, to compare, an id that nobody has
            bind.query("", submit.message_id[::-1] + "x")

    def _any_bind(self, account: str) -> Bind | None:
        binds = [bind for bind in self.binds if bind.account.name == account and bind.free > 0]
        return self.rng.choice(binds) if binds else None

    async def _keep(self, bind: Bind) -> None:
        """Bind again and again."""
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", self.port)
            except OSError:
                await trio.sleep(RECONNECT_S)
                continue
            try:
                await bind.serve(stream)
            finally:
                await trio.aclose_forcefully(stream)
            await trio.sleep(REFUSED_S if bind.was_refused else RECONNECT_S)

    async def _send(self) -> None:
        """Share a token bucket of a tenth of a second among the binds."""
        tokens, then = 0.0, time.monotonic()
        while True:
            await trio.sleep(TICK_S)
            now = time.monotonic()
            tokens = min(tokens + (now - then) * self.load.rate_per_s, self.load.rate_per_s / 10)
            then = now
            free = [bind for bind in self.binds if bind.free > 0] if self.is_sending else []
            self.rng.shuffle(free)
            for place, bind in enumerate(free):
                share = min(int(tokens) // (len(free) - place), bind.free)
                if share:
                    tokens -= share
                    for _ in range(share):
                        bind.submit(*self._draw())

    def _draw(self) -> tuple[str, int, float, int]:
        """(nonce, registered_delivery, validity, schedule) of the next message."""
        rng, load = self.rng, self.load
        draw = rng.random()
        registered = 1
        if draw < load.no_receipt:
            registered = 0
        elif draw < load.no_receipt + load.some_receipts:
            registered = rng.choice((2, 3))
        schedule_s = rng.randint(2, 4) if rng.random() < load.scheduled else 0
        is_short = not schedule_s and rng.random() < load.short_lived
        return self.next_nonce(), registered, float(rng.randint(2, 4)) if is_short else inf, schedule_s
