"""A message's life through the engine, from the front door's batch to the receipt acknowledged."""

import pytest

from smsagg.model import DeliveryKind, MessageState
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import carrier_settings, make_config, run_gateway

pytestmark = pytest.mark.usefixtures("autojump_clock")


async def test_a_whole_life_leaves_nothing_but_history() -> None:
    """Accepted, committed, sent, taken, reported, acknowledged: memory is empty, the store has history only."""
    store = MemoryStore()
    async with run_gateway(store=store) as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        (carrier_id,) = gateway.carrier.accept()
        await gateway.settle()
        reported = gateway.carrier.receipt(carrier_id)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert gateway.sent == [message.seq]
        (receipt,) = sink.received
        assert receipt.kind is DeliveryKind.RECEIPT
        assert receipt.message_id == message.message_id
        assert receipt.message_state == MessageState.DELIVERED
        assert (receipt.source_addr, receipt.destination_addr) == (message.destination_addr, message.source_addr)
        gateway.assert_nothing_is_held()
        tables = store.tables
        assert not tables.messages
        assert not tables.deliveries
        assert not tables.parked_receipts
        assert tables.history[message.seq].state is MessageState.DELIVERED
        assert tables.history[message.seq].carrier_message_id == carrier_id
