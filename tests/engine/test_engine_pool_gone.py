"""Messages whose pool left the configuration while the process was down."""

from smsagg.model import MessageState
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import carrier_settings, make_config, pool_settings, run_gateway

TTL_S = 30
UNBOUND = {"alpha": carrier_settings(FakeSettings(bound=False))}
BEFORE = make_config(carriers=UNBOUND)
AFTER = make_config(carriers=UNBOUND, pools={"britain": pool_settings("alpha", countries=("GB",))})


async def test_a_message_that_expired_meanwhile_is_counted_in_neither_pool() -> None:
    """Whether it is moved to its new pool or found to be over first, no pool goes on counting it."""
    for _ in range(12):  # who asks the store first is chance
        tables, clock = Tables(), FakeClock()
        async with run_gateway(BEFORE, MemoryStore(tables), clock) as gateway:
            message = await gateway.accept_one(ttl_s=TTL_S)
        clock.jump_wall(TTL_S + 1)
        async with run_gateway(AFTER, MemoryStore(tables), clock) as gateway:
            sink = gateway.attach()
            await gateway.until(lambda sink=sink: bool(sink.received))  # type: ignore[misc]
            await gateway.settle()
            assert tables.history[message.seq].state is MessageState.EXPIRED
            gateway.assert_nothing_is_held()
