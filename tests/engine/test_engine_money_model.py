"""Money against a model: whatever comes in whatever order, and wherever the process dies, the ledger balances."""

from contextlib import suppress
from typing import NamedTuple

import trio
from engine_money import PRICE, held, money_config, stored, top_up
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from smsagg.config.amounts import Amount
from smsagg.config.schema import CapSettings
from smsagg.errors import StoreError, StoreFull
from smsagg.model import ChargeOn, Message, MessageState
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK
from smsagg.store.base import Changes, OnDone
from smsagg.store.memory import MemoryStore
from smsagg.store.memory_tables import Tables
from smsagg.testing.gateway import FakeGateway, Submitted, run_gateway

FINALS = [MessageState.DELIVERED, MessageState.UNDELIVERABLE, MessageState.EXPIRED]


class Step(NamedTuple):
    """Something that happens; ``n`` says how much of it."""

    what: str
    n: int


WHAT = ["submit", "submit", "submit", "take", "take", "refuse", "report", "report", "cancel", "topup", "fail", "hold",
        "release", "settle", "crash"]  # fmt: skip
STEPS = st.lists(st.builds(Step, st.sampled_from(WHAT), st.integers(1, 5)), max_size=40)


class World:
    """One history of lives over one store."""

    def __init__(self, credit: int, cap: int) -> None:
        self.credit = credit
        self.cap = cap
        self.store = self.open()
        self.submits: list[Submitted] = []
        self.credited = 0
        self.is_full = False
        """The next commit of new messages fails."""

    def open(self, tables: Tables | None = None) -> MemoryStore:
        store = MemoryStore(tables)
        write = store.write

        def write_or_fail(changes: Changes, on_done: OnDone | None = None) -> None:
            if changes.new_messages and self.is_full:
                self.is_full = False
                store.fail_next(StoreFull("full"))
            write(changes, on_done)

        store.write = write_or_fail  # type: ignore[method-assign]
        return store

    async def live(self, steps: list[Step]) -> list[Step]:
        """One life of the process; what is left of ``steps`` when it ends."""
        config = money_config(
            billing="postpaid", credit_limit=Amount(self.credit), caps=CapSettings(daily=Amount(self.cap))
        )
        async with run_gateway(config, self.store) as gateway:
            crashes_at = next((place for place, step in enumerate(steps) if step.what == "crash"), len(steps))
            for step in steps[:crashes_at]:
                with suppress(StoreError):
                    await self.do(gateway, step)
                self.check(gateway)
            if crashes_at == len(steps):
                self.store.release()
                await gateway.settle()
                self.check(gateway)
                assert held(gateway)[1] == stored(self.store.tables)[2], "what is committed is what is reserved"
        self.store = self.open(self.store.tables)
        self.submits.clear()
        return steps[crashes_at + 1 :]

    async def do(self, gateway: FakeGateway, step: Step) -> None:
        what, n = step
        link = gateway.carrier.link
        if what == "submit":
            charge_on = ChargeOn.DELIVERED if n % 2 else ChargeOn.SUBMITTED
            self.submits.append(gateway.submit(n, price=PRICE * (n % 3), charge_on=charge_on))
        elif what == "take":
            link.accept(gateway.carrier.outstanding[:n])
        elif what == "refuse":
            link.refuse(ESME_RINVDSTADR, gateway.carrier.outstanding[:n])
        elif what == "report":
            enroute = [m for m in gateway.engine.core.live.values() if m.state is MessageState.ENROUTE][:n]
            gateway.carrier.receipts([(m.carrier_message_id, FINALS[m.seq % 3]) for m in enroute])
        elif what == "cancel" and not self.store._held:
            queued = [m for m in gateway.engine.core.live.values() if m.state is MessageState.QUEUED]
            for message in queued[:n]:
                await gateway.engine.control.cancel("acme", message.message_id, lambda _: True)
        elif what == "topup" and not self.store._held:
            await top_up(gateway, n * PRICE)
            self.credited += n * PRICE
        elif what == "fail":
            self.is_full = True
        elif what == "hold":
            self.store.hold()
        elif what == "release":
            self.store.release()
        elif what == "settle" and not self.store._held:
            await gateway.settle()
        await trio.lowlevel.checkpoint()

    def check(self, gateway: FakeGateway) -> None:
        """Neither memory nor store ever promises more than there is, and they say what their messages say."""
        balance, reserved = held(gateway)
        assert balance - reserved >= -self.credit
        if "acme" in self.store.tables.money.balances:
            credited, charged, reserved = stored(self.store.tables)
            assert credited == self.credited
            assert credited - charged - reserved >= -self.credit
        for message in self.store.tables.history.values():
            is_owed = message.state is MessageState.DELIVERED
            if message.charge_on is ChargeOn.SUBMITTED:
                is_owed = message.carrier_message_id != ""
            assert message.charged == (message.price if is_owed else 0)
        counted = [m for m in self.all_messages() if m.accounted]
        spent = sum(m.charged if m.state.is_final else m.price for m in counted)
        assert spent <= self.cap
        assert sum(day.spent for day in self.store.tables.money.spending.values()) == spent
        for submitted in self.submits:
            if submitted.status == ESME_ROK:
                assert all(m.seq in {stored.seq for stored in self.all_messages()} for m in submitted.messages)

    def all_messages(self) -> list[Message]:
        tables = self.store.tables
        return [*tables.messages.values(), *tables.history.values()]


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([(5, 100), (100, 5), (12, 12)]))
def test_the_ledger_balances_whatever_happens(steps: list[Step], limits: tuple[int, int]) -> None:
    """Accepted, refused, charged, let go, topped up, a store that fails or waits, and a crash at any point."""

    async def run() -> None:
        world, left = World(*(limit * PRICE for limit in limits)), steps
        while True:
            left = await world.live(left)
            if not left:
                break
        await world.live([])

    trio.run(run, clock=MockClock(autojump_threshold=0))
