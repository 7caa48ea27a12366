"""Full pools: what does not fit in memory waits in the store, in order, and comes back when there is room."""

import pytest
import trio

from smsagg.config.schema import Config, Duration, MessageClassSettings, RetrySettings, StoreSettings
from smsagg.errors import StoreFailed
from smsagg.model import Message
from smsagg.smpp.status import ESME_RSYSERR
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings, make_config, pool_settings, run_gateway, seqs


def config_of(queue_max: int, **fake: object) -> Config:
    return make_config(
        carriers={"alpha": carrier_settings(FakeSettings(**fake))},  # type: ignore[arg-type]
        pools={"gb": pool_settings("alpha", queue_max=queue_max)},
    )


async def test_five_thousand_messages_through_a_queue_of_a_hundred() -> None:
    """Memory holds the queue and the window, the store holds the rest; all go out once, in order."""
    async with run_gateway(config_of(100, bound=False, window=20)) as gateway:
        messages: list[Message] = []
        for _ in range(50):
            messages += await gateway.accept(100, registered_delivery=0)
        assert len(gateway.engine.core.live) <= 100
        assert gateway.engine.core.pools["gb"].depth == 5_000
        peak = 0

        def observe(_: object) -> None:
            nonlocal peak
            peak = max(peak, len(gateway.engine.core.live) - len(gateway.engine.reports.correlator))

        gateway.carrier.observe_sent = observe
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await gateway.until(lambda: len(gateway.sent) >= 5_000)
        await gateway.settle()
        assert gateway.sent == seqs(messages)
        assert peak <= 2 * 100 + 20
        assert gateway.engine.accounts["acme"].queued == 0
        assert gateway.engine.core.pools["gb"].depth == 0


@pytest.mark.parametrize("queue_max", [1, 2, 3])
async def test_the_smallest_queues(queue_max: int) -> None:
    """A queue of one message spills and refills as any other, and does not keep the store busy while it is full."""
    store = MemoryStore()
    async with run_gateway(config_of(queue_max, bound=False, window=1), store) as gateway:
        messages = await gateway.accept(20)
        await trio.sleep(5)
        before = store.statistics.commits
        await trio.sleep(10)
        assert store.statistics.commits - before < 100
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await gateway.until(lambda: len(gateway.sent) >= 20)
        await trio.sleep(5)
        assert gateway.sent == seqs(messages)


async def test_new_messages_queue_behind_those_in_the_store() -> None:
    """While due messages wait in the store, a new one does not overtake them by coming when there is room."""
    async with run_gateway(config_of(10, window=5)) as gateway:
        first = await gateway.accept(40)
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
        second = await gateway.accept(10)
        gateway.carrier.accept_all()
        await gateway.until(lambda: len(gateway.sent) >= 50)
        assert gateway.sent == seqs([*first, *second])


async def test_a_steady_flow_through_a_small_queue() -> None:
    """Bursts at four times the queue over a slow link: everything goes out once, and within its account in order."""
    async with run_gateway(config_of(20, window=4, rate=50.0)) as gateway:
        gateway.carrier.accept_all()
        messages: list[Message] = []
        for _ in range(20):
            messages += await gateway.accept(80)
            await trio.sleep(0.7)
        await gateway.until(lambda: len(gateway.sent) >= 1_600)
        await trio.sleep(10)
        assert sorted(gateway.sent) == seqs(messages)
        assert gateway.engine.core.pools["gb"].depth == 0


async def test_priority_is_kept_in_the_store() -> None:
    """What is claimed first is the highest priority, then the oldest."""
    async with run_gateway(config_of(10, bound=False, window=1)) as gateway:
        await gateway.accept(10)
        low, high = await gateway.accept(10), await gateway.accept(10, priority=3)
        gateway.carrier.accept_all()
        gateway.carrier.bind()
        await gateway.until(lambda: len(gateway.sent) >= 30)
        order = gateway.sent
        assert order.index(high[-1].seq) < order.index(low[5].seq)
        assert [seq for seq in order if seq in set(seqs(high))] == seqs(high)


async def test_the_store_fails_while_the_loader_asks() -> None:
    """A claim that the store does not answer is made again, and nothing is lost or sent twice."""
    store = MemoryStore()
    async with run_gateway(config_of(10, bound=False), store) as gateway:
        messages = await gateway.accept(60)
        gateway.carrier.accept_all()
        store.break_down(StoreFailed("gone"))
        gateway.carrier.bind()
        await trio.sleep(20)
        store.repair()
        await gateway.until(lambda: len(gateway.sent) >= 60)
        await trio.sleep(20)
        assert sorted(gateway.sent) == seqs(messages)


async def test_a_claim_that_finds_the_queue_full_parks_again() -> None:
    """What was claimed and does not fit after all returns to the store; no message is lost on the way."""
    async with run_gateway(config_of(8, bound=False, window=2)) as gateway:
        messages = await gateway.accept(30)
        gateway.carrier.bind()
        for _ in range(200):
            link = gateway.carrier.link
            if link.outstanding:
                link.is_bound = False
                link.return_unsent(link.outstanding[:1])  # to the front: the queue may exceed its bound
                link.accept()
                link.bind()
            await trio.sleep(0.06)
        gateway.carrier.accept_all()
        await trio.sleep(10)
        assert set(gateway.sent) == set(seqs(messages))
        assert gateway.engine.core.pools["gb"].depth == 0


async def test_two_pools_spill_apart() -> None:
    """A full pool is no reason to hold another one back."""
    config = make_config(
        carriers={"alpha": carrier_settings(FakeSettings(bound=False)), "beta": carrier_settings()},
        pools={"gb": pool_settings("alpha", queue_max=5), "vn": pool_settings("beta", queue_max=5)},
    )
    async with run_gateway(config) as gateway:
        gateway.carriers["beta"].accept_all()
        await gateway.accept(50)
        other = await gateway.accept(50, pool="vn", country="VN")
        await gateway.until(lambda: len(gateway.carriers["beta"].sent) >= 50)
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(other)
        assert gateway.engine.core.pools["gb"].depth == 50


async def test_retries_beyond_memory_wait_in_the_store() -> None:
    """Thousands of retries at once: ``scheduled_in_memory_max`` of them in memory, the rest parked, none lost."""
    retry = RetrySettings(first=Duration(30), jitter=0.5)
    config = make_config(
        carriers={"alpha": carrier_settings(FakeSettings(window=10_000), circuit_failures=0)},
        message_classes={"default": MessageClassSettings(retry=retry)},
        store=StoreSettings(scheduled_in_memory_max=50),
    )
    async with run_gateway(config) as gateway:
        messages = await gateway.accept(1_000)
        await gateway.settle()
        gateway.carrier.refuse(ESME_RSYSERR)
        await gateway.settle()
        assert len(gateway.engine.core.live) == 50
        gateway.carrier.accept_all()
        await trio.sleep(40)
        assert sorted(gateway.sent[1_000:]) == seqs(messages)
        assert gateway.engine.accounts["acme"].queued == 0
