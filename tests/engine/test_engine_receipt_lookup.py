"""Receipts that the store is asked about while the messages that they name are on the move."""

from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import StoreSettings
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_ROK
from smsagg.testing.gateway import make_config, run_gateway


async def test_a_message_that_comes_and_leaves_memory_while_its_receipt_is_looked_up() -> None:
    """The response comes while the store is asked, and the next ones push its message out of memory before the store
    has answered that it knows nothing: the receipt is matched, not parked for ever."""
    config = make_config(store=StoreSettings(live_messages_in_memory_max=1))
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        await gateway.accept(2)
        await gateway.settle()
        gateway.carrier.accept()  # one of the two leaves memory: from now on misses are looked up
        early, later = await gateway.accept(2)
        await gateway.settle()
        gateway.store.hold()
        reported = gateway.carrier.receipt("x")
        await wait_all_tasks_blocked()
        gateway.carrier.link.accept([early], ids=["x"])
        gateway.carrier.link.accept([later], ids=["y"])
        gateway.store.release()
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert sink.message_ids == [early.message_id]
        assert gateway.store.tables.history[early.seq].state is MessageState.DELIVERED
        assert not gateway.store.tables.parked_receipts
