"""Whatever commits fail and wherever the process dies: limits hold, and conversations keep their number."""

from collections import Counter
from contextlib import suppress
from typing import Any

import trio
from engine_numbers import dedicated, long_numbers, number_config, stock
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from smsagg.config.schema import NumberSettings
from smsagg.engine.numbers.numbers import CONVERSATION
from smsagg.errors import StoreError, StoreFull
from smsagg.inventory.conversations import read_conversation
from smsagg.inventory.pool import NumberPool
from smsagg.model import Message, Refusal
from smsagg.store.memory import MemoryStore
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, make_message, run_gateway

RECIPIENTS = [f"44740000000{place}" for place in range(4)]
LIMIT = 3
NUMBERS = 3

batches = st.lists(st.sampled_from(RECIPIENTS), min_size=1, max_size=5)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), batches),
        st.tuples(st.just("fail"), st.just([])),
        st.tuples(st.just("settle"), st.just([])),
        st.tuples(st.just("crash"), st.just([])),
    ),
    max_size=20,
)


class Life:
    """Submits as sessions do, without waiting for one another."""

    def __init__(self, gateway: FakeGateway, nursery: trio.Nursery) -> None:
        self.gateway = gateway
        self.nursery = nursery

    def submit(self, recipients: list[str]) -> None:
        self.nursery.start_soon(self._submit, recipients)

    async def _submit(self, recipients: list[str]) -> None:
        engine = self.gateway.engine
        account = engine.accounts["acme"]

        def take() -> None:
            now = self.gateway.clock.now_ms()
            taken: list[Message] = []
            for recipient in recipients:
                message = make_message(now, destination_addr=recipient)
                if engine.admission.admit(account, message, recipient, now) is None:
                    parts = engine.intake.take(account, message, now)
                    taken += [] if isinstance(parts, Refusal) else parts
            if taken:
                engine.intake.number(taken)
                engine.intake.commit(taken, lambda _status: None)

        with suppress(StoreError):
            await engine.numbers.knowing(recipients, take)


async def live(store: MemoryStore, clock: FakeClock, todo: list[tuple[str, Any]], is_first: bool) -> None:
    """Until the next crash."""
    config = number_config(numbers=NumberSettings(conversations_in_memory_max=1_000))
    async with run_gateway(config, store, clock) as gateway:
        gateway.engine.numbers.conversations.memory_max = 2
        if is_first:
            pool = NumberPool("otp", rotation="sticky", limit=LIMIT)
            await stock(gateway, *dedicated(long_numbers(NUMBERS)), pools=[pool])
            await gateway.settle()
        async with trio.open_nursery() as nursery:
            life = Life(gateway, nursery)
            while todo:
                what, argument = todo.pop(0)
                if what == "submit":
                    life.submit(argument)
                    await trio.lowlevel.checkpoint()
                elif what == "fail":
                    store.fail_next(StoreFull("no room"))
                elif what == "settle":
                    await gateway.settle()
                    assert gateway.engine.numbers.choices_held == 0
                    assert len(gateway.engine.numbers.conversations) <= 2
                else:
                    break
            nursery.cancel_scope.cancel()


def check(store: MemoryStore) -> None:
    """Of what is durable."""
    tables = store.tables
    stored = [*tables.messages.values(), *tables.history.values()]
    sent = Counter((message.destination_addr, message.source_addr) for message in stored)
    assert all(count <= LIMIT for count in sent.values()), sent
    for recipient in RECIPIENTS:
        counts = [count for (to, _), count in sent.items() if to == recipient]
        assert sum(count < LIMIT for count in counts) <= 1, "a conversation left its number before it had to"
        record = tables.entities.get((CONVERSATION, recipient))
        counted = {use.number: use.count for use in read_conversation(recipient, record).uses}
        for (to, number), count in sent.items():
            assert to != recipient or counted[number] >= count, "a message was not counted"


@given(steps)
@settings(max_examples=25, deadline=None)
def test_limits_and_conversations_outlive_everything(script: list[tuple[str, Any]]) -> None:
    """Also with a memory that holds two conversations only."""

    async def main() -> None:
        store, clock, todo, is_first = MemoryStore(), FakeClock(), list(script), True
        while is_first or todo:
            await live(store, clock, todo, is_first)
            check(store)
            store, is_first = MemoryStore(store.tables), False

    trio.run(main, clock=MockClock(autojump_threshold=0))
