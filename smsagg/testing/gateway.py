"""The engine over a store, with carriers and sessions that a test plays.

One :class:`FakeGateway` is one life of the process. Leaving :func:`run_gateway` is the crash: tasks are cancelled, and
of a :class:`~smsagg.store.memory.MemoryStore` only what was committed is left, in its tables. The next life is another
``run_gateway`` over the same tables (or the same file).
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from smsagg.carriers.fleet import may_stay
from smsagg.config.schema import AccountSettings, CarrierSettings, Config, Duration, PoolMember, PoolSettings
from smsagg.engine import Engine
from smsagg.model import Message, Refusal
from smsagg.observe.metrics import Metrics
from smsagg.smpp.status import ESME_ROK
from smsagg.store.base import Store
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeCarrier, FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.sink import FakeSink

SETTLE_ROUNDS = 4
"""Commits that follow from one another in a moment: outcome, receipt, acknowledgement, and one to spare."""


def carrier_settings(fake: FakeSettings | None = None, **values: Any) -> CarrierSettings:
    """``[carriers.NAME]`` of a fake carrier; ``values`` are the keys common to every type. No link counts as dead for
    what a test leaves unanswered, unless ``health_window`` is among them."""
    return CarrierSettings(type="fake", settings=fake or FakeSettings(), **({"health_window": Duration(0)} | values))


def account_settings(name: str, **values: Any) -> AccountSettings:
    """``[accounts.NAME]`` for an account that nobody needs to bind to."""
    return AccountSettings(system_id=name, password_hash="", **values)


def pool_settings(*carriers: str | PoolMember, **values: Any) -> PoolSettings:
    """``[pools.NAME]`` with these members."""
    members = (PoolMember(carrier) if isinstance(carrier, str) else carrier for carrier in carriers)
    return PoolSettings(carriers=tuple(members), **values)


def make_config(**sections: Any) -> Config:
    """A configuration with one account ``acme``, one carrier ``alpha`` and one pool ``gb``, unless told otherwise."""
    defaults: dict[str, Any] = {
        "accounts": {"acme": account_settings("acme")},
        "carriers": {"alpha": carrier_settings()},
        "pools": {"gb": pool_settings("alpha", countries=("GB",))},
    }
    return Config(**(defaults | sections))


@define(eq=False)
class Submitted:
    """A batch that was handed to the intake, and what it was told."""

    messages: list[Message]
    refused: list[int]
    """command_status of each message that was refused before the commit."""
    status: int | None = None
    """What the batch was told; ``None``: nothing yet."""
    answered: trio.Event = field(factory=trio.Event)

    def answer(self, status: int) -> None:
        assert self.status is None, "told twice"
        self.status = status
        self.answered.set()


class FakeGateway:
    """A running engine, and the hands and eyes of a test."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: FakeClock,
        seed: int,
        tables: Tables | None = None,
        make_carrier: Callable[..., Any] = FakeCarrier,
    ) -> None:
        self._rng = rng = Random(seed)
        self.config = config
        self.store = store
        self.clock = clock
        self.metrics = Metrics("test")
        self.engine = Engine(config, store, clock, rng, self.metrics, tables=tables)
        self.carriers: Mapping[str, FakeCarrier] = {
            name: make_carrier(name, settings.settings, self.engine, clock, rng)
            for name, settings in config.carriers.items()
        }
        self.nursery: trio.Nursery

    def reconfigure(self, config: Config) -> list[FakeCarrier]:
        """Go on under another configuration; the carriers that left, which the test has end as it likes."""
        carriers: dict[str, FakeCarrier] = {}
        for name, settings in config.carriers.items():
            carrier = self.carriers.get(name)
            if carrier is None or not may_stay(carrier, self.config.carriers[name], settings):
                carrier = FakeCarrier(name, settings.settings, self.engine, self.clock, self._rng)
                self.nursery.start_soon(carrier.run)
            else:
                carrier.reconfigure(settings.settings)
            carriers[name] = carrier
        left = [carrier for carrier in self.carriers.values() if carrier not in carriers.values()]
        self.config, self.carriers = config, carriers
        self.engine.reconfigure(config, self.engine.core.tables, carriers)
        return left

    @property
    def carrier(self) -> FakeCarrier:
        """The first carrier."""
        return next(iter(self.carriers.values()))

    @property
    def sent(self) -> list[int]:
        """``seq`` of every attempt at the first carrier, in order."""
        return [sent.seq for sent in self.carrier.sent]

    def submit(self, count: int = 1, account: str = "acme", **fields: Any) -> Submitted:
        """Hand the intake a batch of like messages, as a session does; who is told is the result's ``status``."""
        intake, now = self.engine.intake, self.clock.now_ms()
        messages: list[Message] = []
        refused: list[int] = []
        for _ in range(count):
            message = make_message(now, account=account, **fields)
            taken = intake.take(self.engine.accounts[account], message, now)
            if isinstance(taken, Refusal):
                refused.append(taken.command_status)
            else:
                messages += taken
        submitted = Submitted(messages, refused)
        if messages:
            intake.number(messages)
            intake.commit(messages, submitted.answer)
        return submitted

    async def accept(self, count: int = 1, account: str = "acme", **fields: Any) -> list[Message]:
        """Submit a batch and wait for its ESME_ROK."""
        submitted = self.submit(count, account, **fields)
        assert not submitted.refused, submitted.refused
        await submitted.answered.wait()
        assert submitted.status == ESME_ROK, submitted.status
        return submitted.messages

    async def accept_one(self, account: str = "acme", **fields: Any) -> Message:
        """Submit one message and wait for its ESME_ROK."""
        return (await self.accept(1, account, **fields))[0]

    def attach(self, account: str = "acme", window: int = 100, status: int | None = ESME_ROK) -> FakeSink:
        """Bind a session that receives; with ``status`` ``None`` the test answers."""
        sink = FakeSink(self.engine.deliveries, account, window, status)
        self.engine.deliveries.attach(account, sink)
        return sink

    async def settle(self) -> None:
        """Let everything happen that needs no time to pass; not while the store is held back."""
        for _ in range(SETTLE_ROUNDS):
            await wait_all_tasks_blocked()
            await self.store.flush()
        await wait_all_tasks_blocked()

    async def until(self, condition: Callable[[], bool], within_s: float = 600) -> None:
        """Let virtual time pass until ``condition()`` holds; raises :class:`trio.TooSlowError` after ``within_s``."""
        with trio.fail_after(within_s):
            while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
                await trio.sleep(0.05)

    async def find(self, message: Message) -> Message | None:
        """The message as the store has it."""
        return await self.store.find_message(message.seq)

    def assert_nothing_is_held(self) -> None:
        """No message, place or reservation is left in memory."""
        core = self.engine.core
        held = {
            "live": list(core.live.values()),
            "queued": {name: account.queued for name, account in core.accounts.items() if account.queued},
            "former": [*core.former_queued, *core.former_depth],
            "depth": {name: pool.depth for name, pool in core.pools.items() if pool.depth},
            "reserved": {name: pool.reserved for name, pool in core.pools.items() if pool.reserved},
            "ready": {name: len(pool.ready) for name, pool in core.pools.items() if len(pool.ready)},
            "scheduled": len(self.engine.waiting.scheduled),
            "assembly": len(self.engine.waiting.assembly),
            "following": len(self.engine.waiting.following),
            "bundled": [name for name, pool in core.pools.items() if pool.bundles],
            "awaiting": len(self.engine.reports.correlator),
            "links": [link.link.name for carrier in core.carriers.values() for link in carrier.links if link.reserved],
            "senders": self.engine.numbers.choices_held,
            "deliveries": {name: count for name, count in self.engine.deliveries.pending().items() if count},
        }
        left = {name: value for name, value in held.items() if value}
        assert not left, left


@asynccontextmanager
async def run_gateway(
    config: Config | None = None,
    store: Store | None = None,
    clock: FakeClock | None = None,
    seed: int = 1,
    prepare: Callable[[FakeGateway], None] = lambda _gateway: None,
    tables: Tables | None = None,
    make_carrier: Callable[..., Any] = FakeCarrier,
) -> AsyncIterator[FakeGateway]:
    """One life of the process: recovered, carriers running. It ends as by ``kill -9``, whatever was under way.

    ``prepare`` is called before anything runs, so that it can watch the first attempts. ``make_carrier`` is for tests
    in which a carrier of another class plays.
    """
    store = MemoryStore() if store is None else store
    gateway = FakeGateway(config or make_config(), store, clock or FakeClock(), seed, tables, make_carrier)
    engine = gateway.engine
    prepare(gateway)
    engine.connect(gateway.carriers, await store.recover(gateway.clock.now_ms(), engine.retries_due_by))
    store.on_commit = lambda _seconds, _changes: engine.dispatcher.wake()
    async with trio.open_nursery() as nursery:
        gateway.nursery = nursery
        await nursery.start(engine.run)
        for carrier in gateway.carriers.values():
            await nursery.start(carrier.run)
        try:
            yield gateway
        finally:
            if isinstance(store, MemoryStore):
                store.crash()
            nursery.cancel_scope.cancel()


def make_message(now: int, **fields: Any) -> Message:
    """A message as a front door makes it, submitted ``now``: to GB, for a day, with a receipt. ``ttl_s`` and
    ``delay_s`` stand for ``expires_at`` and ``not_before``."""
    not_before = now + round(fields.pop("delay_s", 0) * 1000)
    expires_at = not_before + round(fields.pop("ttl_s", 86_400) * 1000)
    values: dict[str, Any] = {
        "seq": 0,
        "message_id": "",
        "account": "acme",
        "message_class": "default",
        "service_type": "",
        "source_addr_ton": 5,
        "source_addr_npi": 0,
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "447700900123",
        "esm_class": 0,
        "protocol_id": 0,
        "priority": 0,
        "registered_delivery": 1,
        "data_coding": 0,
        "sm_default_msg_id": 0,
        "body": b"hello",
        "in_payload": False,
        "tlvs": b"",
        "country": "GB",
        "pool": "gb",
        "accepted_at": now,
        "not_before": not_before,
        "expires_at": expires_at,
    }
    return Message(**(values | fields))


def seqs(messages: Sequence[Message]) -> list[int]:
    """The ``seq`` of each."""
    return [message.seq for message in messages]
