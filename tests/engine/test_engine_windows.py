"""A crash doubles no more than a window: a slot is free when its answer is committed, not when it came."""

from trio.testing import wait_all_tasks_blocked

from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings, make_config, run_gateway


async def test_what_a_carrier_took_holds_its_slot_until_the_commit() -> None:
    """A window of four stays full while the store has not recorded the four answers, and no longer."""
    store = MemoryStore()
    config = make_config(carriers={"alpha": carrier_settings(FakeSettings(window=4))})
    async with run_gateway(config, store) as gateway:
        await gateway.accept(10)
        await gateway.settle()
        assert len(gateway.sent) == 4
        store.hold()
        gateway.carrier.accept()
        await wait_all_tasks_blocked()
        assert len(gateway.sent) == 4
        store.release()
        await gateway.settle()
        assert len(gateway.sent) == 8


async def test_what_an_esme_took_holds_its_slot_until_the_commit() -> None:
    """No further receipt goes out while the acknowledgement of the last is not committed."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        sink = gateway.attach(window=2, status=None)
        await gateway.accept(5)
        await gateway.settle()
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        assert len(sink.received) == 2
        store.hold()
        sink.answer(ESME_ROK, list(sink.outstanding))
        await wait_all_tasks_blocked()
        assert len(sink.received) == 2
        store.release()
        await gateway.settle()
        assert len(sink.received) == 4
