"""Parked messages that come due while the loader is busy with others."""

import trio

from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import make_config, pool_settings, run_gateway

CONFIG = make_config(
    pools={
        "gb": pool_settings("alpha", countries=("GB",)),
        "fr": pool_settings("alpha", countries=("FR",)),
    }
)
DUE_S = 10.0


async def test_a_message_that_comes_due_while_another_pool_is_loaded() -> None:
    """However long the store takes for one pool, what came due in the other is loaded right after it."""
    for later in ("gb", "fr"):
        tables, clock = Tables(), FakeClock()
        async with run_gateway(CONFIG, MemoryStore(tables), clock) as gateway:
            for pool in ("gb", "fr"):
                await gateway.accept_one(pool=pool, delay_s=DUE_S + (pool == later) * 0.05)
        store = MemoryStore(tables)
        async with run_gateway(CONFIG, store, clock) as gateway:
            due_at = min(message.not_before for message in tables.messages.values())
            await trio.sleep((due_at - clock.now_ms()) / 1000 - 0.01)
            store.hold()
            await trio.sleep(0.5)  # the first pool's claim waits, and the other comes due
            store.release()
            await trio.sleep(0.5)
            assert len(gateway.sent) == 2
