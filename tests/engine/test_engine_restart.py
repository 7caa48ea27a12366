"""The next life: whatever was accepted goes on where the last one stopped, over both stores."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from smsagg.config.schema import Config, MessageClassSettings, StoreSettings
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_ROK, ESME_RSYSERR
from smsagg.store.base import Store
from smsagg.store.memory import MemoryStore, Tables
from smsagg.store.sqlite import open_sqlite_store
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    pool_settings,
    run_gateway,
    seqs,
)

DELIVERED = MessageState.DELIVERED


class Lives:
    """One medium, and life after life of the process upon it."""

    def __init__(self, kind: str, path: Path, mock_clock: MockClock) -> None:
        self._kind = kind
        self._tables = Tables()
        self._settings = StoreSettings(path=str(path / "smsagg.db"), free_octets_min=0)  # type: ignore[arg-type]
        self._mock_clock = mock_clock
        self._clock = FakeClock()

    @asynccontextmanager
    async def life(self, config: Config | None = None) -> AsyncIterator[FakeGateway]:
        async with self._open() as store, run_gateway(config, store, self._clock) as gateway:
            yield gateway

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Store]:
        if self._kind == "memory":
            yield MemoryStore(self._tables)
        else:
            async with open_sqlite_store(self._settings) as store:
                yield store

    async def pass_time(self, gateway: FakeGateway, seconds: float, step_s: float = 1.0) -> None:
        """Virtual time moves in steps, and everything that is due happens in between."""
        await gateway.settle()
        for _ in range(round(seconds / step_s)):
            self._mock_clock.jump(step_s)
            await gateway.settle()


@pytest.fixture(params=["memory", "sqlite"])
def lives(request: pytest.FixtureRequest, tmp_path: Path, mock_clock: MockClock) -> Lives:
    return Lives(request.param, tmp_path, mock_clock)


def config_of(queue_max: int = 20_000, bound: bool = True, **sections: Any) -> Config:
    defaults: dict[str, Any] = {
        "accounts": {"acme": account_settings("acme"), "otp": account_settings("otp", message_class="otp")},
        "carriers": {"alpha": carrier_settings(FakeSettings(bound=bound))},
        "pools": {"gb": pool_settings("alpha", queue_max=queue_max, countries=("GB",))},
        "message_classes": {"otp": MessageClassSettings(in_doubt="fail")},
    }
    return make_config(**(defaults | sections))


UNBOUND = config_of(bound=False)


async def finish_all(gateway: FakeGateway) -> None:
    """The carrier takes and delivers everything outstanding."""
    gateway.carrier.receipt(*gateway.carrier.accept())
    await gateway.settle()


async def test_what_was_ready_is_sent(lives: Lives, mock_clock: MockClock) -> None:
    """Accepted and never sent: sent in the next life, in order, once; ids go on where they stopped."""
    async with lives.life(UNBOUND) as gateway:
        messages = await gateway.accept(50)
    async with lives.life(config_of()) as gateway:
        sink = gateway.attach()
        assert gateway.engine.accounts["acme"].queued == 50
        await gateway.settle()
        assert gateway.sent == seqs(messages)
        fresh = await gateway.accept_one()
        assert fresh.seq > messages[-1].seq
        await gateway.settle()
        await finish_all(gateway)
        assert len(sink.received) == 51
        gateway.assert_nothing_is_held()


async def test_a_queue_longer_than_memory(lives: Lives, mock_clock: MockClock) -> None:
    """More messages than a pool may hold come back in order, some in memory and the rest in the store."""
    async with lives.life(UNBOUND) as gateway:
        messages = [message for _ in range(4) for message in await gateway.accept(100)]
    async with lives.life(config_of(queue_max=30)) as gateway:
        await gateway.settle()
        assert len(gateway.engine.core.live) <= 30 + 100
        gateway.carrier.accept_all()
        await lives.pass_time(gateway, 5, step_s=0.1)
        assert gateway.sent == seqs(messages)


async def test_a_spilled_queue(lives: Lives, mock_clock: MockClock) -> None:
    """What was parked and what was in memory make one queue again."""
    async with lives.life(config_of(queue_max=10, bound=False)) as gateway:
        messages = await gateway.accept(60)
    async with lives.life(config_of()) as gateway:
        await gateway.settle()
        assert gateway.sent == seqs(messages)


async def test_a_retry_keeps_its_time_and_its_attempts(lives: Lives, mock_clock: MockClock) -> None:
    """A message between two attempts is not tried before its time, and its attempts are not forgotten."""
    async with lives.life(config_of()) as gateway:
        await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.refuse(ESME_RSYSERR)
        await lives.pass_time(gateway, 4)
        gateway.carrier.refuse(ESME_RSYSERR)
        await gateway.settle()
    async with lives.life(config_of()) as gateway:
        await lives.pass_time(gateway, 2)
        assert gateway.sent == []
        await lives.pass_time(gateway, 7)
        assert len(gateway.sent) == 1
        gateway.carrier.accept()
        await gateway.settle()
        found = await gateway.find(gateway.engine.core.live[1])
        assert found is not None
        assert found.attempts == 3


async def test_a_schedule(lives: Lives, mock_clock: MockClock) -> None:
    """Scheduled near and far, in memory and in the store: sent in their time."""
    async with lives.life(config_of()) as gateway:
        near, far = await gateway.accept_one(delay_s=20), await gateway.accept_one(delay_s=700)
    async with lives.life(config_of()) as gateway:
        await lives.pass_time(gateway, 15)
        assert gateway.sent == []
        await lives.pass_time(gateway, 11)
        assert gateway.sent == [near.seq]
        await lives.pass_time(gateway, 690, step_s=10)
        assert gateway.sent == [near.seq, far.seq]


async def test_in_flight_is_in_doubt(lives: Lives, mock_clock: MockClock) -> None:
    """Sent and not answered: the class ``resend`` is sent once more; ``fail`` is told UNKNOWN, never sent again."""
    async with lives.life(config_of()) as gateway:
        resend = await gateway.accept_one()
        fail = await gateway.accept_one("otp", message_class="otp")
        await gateway.settle()
        assert sorted(gateway.sent) == [resend.seq, fail.seq]
    async with lives.life(config_of()) as gateway:
        sink, otp = gateway.attach(), gateway.attach("otp")
        await lives.pass_time(gateway, 6)
        assert gateway.sent == [resend.seq]
        assert [(d.message_id, d.message_state) for d in otp.received] == [(fail.message_id, MessageState.UNKNOWN)]
        await finish_all(gateway)
        assert sink.message_ids == [resend.message_id]
        gateway.assert_nothing_is_held()
    async with lives.life(config_of()) as gateway:
        await lives.pass_time(gateway, 6)
        assert gateway.sent == []
        gateway.assert_nothing_is_held()


async def test_taken_is_never_sent_again(lives: Lives, mock_clock: MockClock) -> None:
    """ENROUTE in the store: only its receipt is awaited (F09)."""
    async with lives.life(config_of()) as gateway:
        message = await gateway.accept_one()
        await gateway.settle()
        (given,) = gateway.carrier.accept()
        await gateway.settle()
    async with lives.life(config_of()) as gateway:
        sink = gateway.attach()
        await lives.pass_time(gateway, 60)
        assert gateway.sent == []
        reported = gateway.carrier.receipt(given)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert sink.message_ids == [message.message_id]
        gateway.assert_nothing_is_held()


async def test_parked_receipts_and_undelivered_ones(lives: Lives, mock_clock: MockClock) -> None:
    """A receipt that came early and one that nobody fetched are both there in the next life."""
    async with lives.life(config_of()) as gateway:
        done = await gateway.accept_one()
        await gateway.settle()
        await finish_all(gateway)
        gateway.carrier.receipt("early")
        await gateway.settle()
    async with lives.life(config_of()) as gateway:
        early = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.link.accept(ids=["early"])
        await gateway.settle()
        sink = gateway.attach()
        await lives.pass_time(gateway, 2, step_s=0.1)
        assert sink.message_ids == [done.message_id, early.message_id]
        assert {delivery.message_state for delivery in sink.received} == {DELIVERED}
        gateway.assert_nothing_is_held()


async def test_five_lives_that_do_nothing(lives: Lives, mock_clock: MockClock) -> None:
    """Starting again and again changes no count (F18)."""
    async with lives.life(config_of(queue_max=5, bound=False)) as gateway:
        messages = [*await gateway.accept(20), *await gateway.accept(5, delay_s=3_600)]
    for _ in range(5):
        async with lives.life(config_of(queue_max=5, bound=False)) as gateway:
            assert gateway.engine.accounts["acme"].queued == 25
            assert gateway.engine.core.pools["gb"].depth == 25
            await gateway.settle()
    async with lives.life(config_of()) as gateway:
        await gateway.settle()
        assert gateway.sent == seqs(messages[:20])


async def test_a_life_that_ends_in_the_middle_of_everything(lives: Lives, mock_clock: MockClock) -> None:
    """Ten short lives under load: every message delivered and told of; only what was in flight went out twice."""
    config = config_of(queue_max=20, carriers={"alpha": carrier_settings(FakeSettings(window=8))})
    accepted: list[str] = []
    sent: list[int] = []
    told: list[str] = []
    in_flight = unanswered = unreported = 0
    given_ids = (f"id-{number}" for number in range(10_000))
    for _ in range(10):
        async with lives.life(config) as gateway:
            gateway.carrier.next_id = given_ids.__next__
            sink = gateway.attach(window=6, status=None)
            accepted += [message.message_id for message in await gateway.accept(15)]
            for _ in range(3):
                await gateway.settle()
                given = gateway.carrier.accept()
                gateway.carrier.receipt(*given[1:])
                unreported += len(given[:1])
                sink.answer(ESME_ROK, sink.outstanding[1:])
            await gateway.settle()
            in_flight += len(gateway.carrier.outstanding)
            unanswered += len(sink.outstanding)
            sent += gateway.sent
            told += sink.message_ids
    async with lives.life(config) as gateway:
        gateway.carrier.next_id = given_ids.__next__
        sink = gateway.attach()
        for _ in range(60):
            gateway.carrier.receipt(*gateway.carrier.accept())
            await lives.pass_time(gateway, 0.2, step_s=0.1)
        sent += gateway.sent
        told += sink.message_ids
        assert gateway.engine.core.pools["gb"].depth == 0
        assert len(gateway.engine.core.live) <= unreported
    assert set(sent) == set(range(1, 151))
    assert len(sent) - 150 <= in_flight
    assert len(told) - len(set(told)) <= unanswered
    assert len(accepted) - len(set(told)) == unreported > 0


async def test_a_crash_before_the_commit_leaves_nothing(mock_clock: MockClock) -> None:
    """Handed to the store and not durable: not told yes, and not there (F02, F05)."""
    tables = Tables()
    store = MemoryStore(tables)
    async with run_gateway(config_of(), store) as gateway:
        store.hold()
        submitted = gateway.submit(50)
        await wait_all_tasks_blocked()
    assert submitted.status is None
    async with run_gateway(config_of(), MemoryStore(tables)) as gateway:
        await gateway.settle()
        assert gateway.sent == []
        gateway.assert_nothing_is_held()


async def test_a_crash_between_an_outcome_and_its_commit(mock_clock: MockClock) -> None:
    """The carrier took it and nobody wrote it down: sent once more, by the one window that was in doubt (F07, F08)."""
    tables = Tables()
    store = MemoryStore(tables)
    async with run_gateway(config_of(), store) as gateway:
        messages = await gateway.accept(10)
        await gateway.settle()
        store.hold()
        gateway.carrier.accept()
        await wait_all_tasks_blocked()
    async with run_gateway(config_of(), MemoryStore(tables)) as gateway:
        sink = gateway.attach()
        await gateway.settle()
        assert gateway.sent == seqs(messages)
        await finish_all(gateway)
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)


async def test_a_crash_between_the_record_and_the_write(mock_clock: MockClock) -> None:
    """At most once: recorded and perhaps not written is in doubt all the same."""
    tables = Tables()
    store = MemoryStore(tables)
    config = config_of(bound=False)
    async with run_gateway(config, store) as gateway:
        message = await gateway.accept_one("otp", message_class="otp")
        gateway.carrier.bind()
        await gateway.settle()
        assert tables.messages[message.seq].state is MessageState.SENDING
    async with run_gateway(config, MemoryStore(tables)) as gateway:
        sink = gateway.attach("otp")
        await gateway.settle()
        assert [delivery.message_state for delivery in sink.received] == [MessageState.UNKNOWN]
        gateway.assert_nothing_is_held()
    assert not tables.messages
