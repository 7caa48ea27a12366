"""A message's life through the engine, from the front door's batch to the receipt acknowledged."""

import pytest

from smsagg.model import DeliveryKind, MessageState
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import EPOCH_MS
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, run_gateway, seqs


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
        over = tables.history[message.seq]
        assert over.state is MessageState.DELIVERED
        assert over.carrier == "alpha"
        assert over.carrier_message_id == carrier_id
        assert over.attempts == 1
        assert over.done_at == EPOCH_MS


async def test_ids_are_unique_and_in_order() -> None:
    """Each accepted message has its own id, and its seq is one above the last."""
    async with run_gateway() as gateway:
        first, second = await gateway.accept(3), await gateway.accept(2)
        messages = [*first, *second]
        assert seqs(messages) == [1, 2, 3, 4, 5]
        assert len({message.message_id for message in messages}) == 5


@pytest.mark.parametrize(
    ("registered_delivery", "state", "told"),
    [
        (0x00, MessageState.DELIVERED, False),
        (0x00, MessageState.UNDELIVERABLE, False),
        (0x01, MessageState.DELIVERED, True),
        (0x01, MessageState.UNDELIVERABLE, True),
        (0x02, MessageState.DELIVERED, False),
        (0x02, MessageState.REJECTED, True),
        (0x02, MessageState.DELETED, True),
        (0x03, MessageState.DELIVERED, True),
        (0x03, MessageState.EXPIRED, False),
        (0x10, MessageState.DELIVERED, False),
        (0x11, MessageState.UNKNOWN, True),
    ],
)
async def test_an_account_hears_what_it_asked_for(registered_delivery: int, state: MessageState, told: bool) -> None:
    """Of a final state exactly those accounts hear that asked for it (D16)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one(registered_delivery=registered_delivery)
        await gateway.settle()
        reported = gateway.carrier.receipt(*gateway.carrier.accept(), state=state)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert [delivery.message_state for delivery in sink.received] == [state] * told
        found = await gateway.find(message)
        assert found is not None
        assert found.state is state
        gateway.assert_nothing_is_held()


@pytest.mark.parametrize(("registered_delivery", "kinds"), [(0x01, [0]), (0x10, [1]), (0x11, [1, 0])])
async def test_intermediate_reports_are_passed_on_to_who_asked(registered_delivery: int, kinds: list[int]) -> None:
    """Bit 4 asks for reports on the way; they end nothing."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await gateway.accept_one(registered_delivery=registered_delivery)
        await gateway.settle()
        (carrier_id,) = gateway.carrier.accept()
        gateway.carrier.receipt(carrier_id, state=MessageState.ENROUTE)
        await gateway.settle()
        assert len(gateway.engine.core.live) == 1
        gateway.carrier.receipt(carrier_id)
        await gateway.settle()
        assert [delivery.kind for delivery in sink.received] == kinds
        gateway.assert_nothing_is_held()


async def test_an_early_intermediate_report_comes_before_the_final_one() -> None:
    """Reports parked before the response are told in the order in which the carrier made them."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await gateway.accept_one(registered_delivery=0x11)
        await gateway.settle()
        gateway.carrier.receipts([("x", MessageState.ENROUTE), ("x", MessageState.DELIVERED)])
        await gateway.settle()
        gateway.carrier.link.accept(ids=["x"])
        await gateway.settle()
        assert [delivery.kind for delivery in sink.received] == [DeliveryKind.INTERMEDIATE, DeliveryKind.RECEIPT]
        gateway.assert_nothing_is_held()


@pytest.mark.parametrize(("registered_delivery", "asked"), [(0, False), (1, True), (2, True), (3, True)])
async def test_a_carrier_is_asked_for_what_the_customer_asked(registered_delivery: int, asked: bool) -> None:
    """With ``ask_receipts = "as_asked"`` who asked for nothing costs no carrier receipt, and is ACCEPTED at once."""
    config = make_config(carriers={"alpha": carrier_settings(ask_receipts="as_asked")})
    async with run_gateway(config) as gateway:
        message = await gateway.accept_one(registered_delivery=registered_delivery)
        await gateway.settle()
        assert [sent.asks_receipt for sent in gateway.carrier.sent] == [asked]
        gateway.carrier.accept()
        await gateway.settle()
        found = await gateway.find(message)
        assert found is not None
        assert found.state is (MessageState.ENROUTE if asked else MessageState.ACCEPTED)


async def test_a_carrier_is_always_asked_by_default() -> None:
    """A receipt is asked for even when the customer did not: the final state is worth knowing."""
    async with run_gateway() as gateway:
        await gateway.accept_one(registered_delivery=0)
        await gateway.settle()
        assert [sent.asks_receipt for sent in gateway.carrier.sent] == [True]


async def test_a_handset_message_reaches_the_owner_of_its_number() -> None:
    """MO goes to the account of its destination, durable before the carrier hears yes; nobody's is refused."""
    accounts = {
        "acme": account_settings("acme", mo_numbers=("60001",)),
        "other": account_settings("other", mo_numbers=("60002",)),
    }
    store = MemoryStore()
    async with run_gateway(make_config(accounts=accounts), store) as gateway:
        sink = gateway.attach("acme")
        elsewhere = gateway.attach("other")
        refused = gateway.carrier.mo("60003")
        assert refused.statuses == [ESME_RINVDSTADR]
        store.hold()
        taken = gateway.carrier.mo("60001", b"yes")
        assert taken.statuses == []
        store.release()
        await gateway.settle()
        assert taken.statuses == [ESME_ROK]
        (delivery,) = sink.received
        assert delivery.kind is DeliveryKind.MO
        assert delivery.body == b"yes"
        assert elsewhere.received == []
        gateway.assert_nothing_is_held()


async def test_a_thousand_lives_at_once() -> None:
    """Every one of a thousand messages over a window of ten is told of once, and memory is empty afterwards."""
    config = make_config(carriers={"alpha": carrier_settings(FakeSettings(window=10))})
    async with run_gateway(config) as gateway:
        sink = gateway.attach(window=7)
        messages = [message for _ in range(10) for message in await gateway.accept(100)]
        carrier_ids: list[str] = []
        while gateway.carrier.outstanding:
            carrier_ids += gateway.carrier.accept()
            await gateway.settle()
        gateway.carrier.receipt(*carrier_ids)
        await gateway.settle()
        assert gateway.sent == seqs(messages)
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)
        gateway.assert_nothing_is_held()
