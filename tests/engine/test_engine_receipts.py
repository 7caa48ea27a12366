"""Carriers' receipts: matched whenever and however they come, effective once, answered after the commit."""

from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from smsagg.config.schema import Duration, ReceiptSettings, StoreSettings
from smsagg.errors import StoreFailed
from smsagg.model import Message, MessageState
from smsagg.smpp.status import ESME_ROK, ESME_RX_T_APPN
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, pool_settings, run_gateway
from smsagg.testing.sink import FakeSink

DELIVERED, ENROUTE, UNDELIVERABLE = MessageState.DELIVERED, MessageState.ENROUTE, MessageState.UNDELIVERABLE


async def take(gateway: FakeGateway, *ids: str, **fields: Any) -> list[Message]:
    """Messages that the first carrier took under these ids."""
    messages = await gateway.accept(len(ids), **fields)
    await gateway.settle()
    gateway.carrier.link.accept(ids=ids)
    await gateway.settle()
    return messages


def states(sink: FakeSink) -> list[int]:
    return [delivery.message_state for delivery in sink.received]


async def orphans(gateway: FakeGateway) -> float:
    return gateway.metrics.carrier_receipt_matches["alpha", "orphan"].n


async def test_a_receipt_before_its_response() -> None:
    """Parked by event, not by timer: however long the response takes, it finds the receipt (D01, G17)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        message = await gateway.accept_one()
        await gateway.settle()
        reported = gateway.carrier.receipt("x", state=UNDELIVERABLE, error_code=11)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert sink.received == []
        await trio.sleep(1_800)
        gateway.carrier.link.accept(ids=["x"])
        await gateway.settle()
        assert [(d.message_id, d.message_state, d.error_code) for d in sink.received] == [
            (message.message_id, UNDELIVERABLE, 11)
        ]
        gateway.assert_nothing_is_held()
        assert not gateway.store.tables.parked_receipts  # type: ignore[attr-defined]


async def test_a_receipt_ten_times() -> None:
    """Each is answered, the account hears once (D07)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await take(gateway, "x")
        one = gateway.carrier.receipt("x", "x", "x")
        more = [gateway.carrier.receipt("x") for _ in range(7)]
        await gateway.settle()
        assert [one.statuses, *(reported.statuses for reported in more)] == [[ESME_ROK] * 3, *[[ESME_ROK]] * 7]
        assert states(sink) == [DELIVERED]
        gateway.assert_nothing_is_held()
        assert gateway.engine.reports.correlator.early_count == 0


async def test_an_early_receipt_ten_times() -> None:
    """Repeated before its response, a receipt is still told of once."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await gateway.accept_one()
        await gateway.settle()
        for _ in range(5):
            gateway.carrier.receipt("x", "x")
        await gateway.settle()
        gateway.carrier.link.accept(ids=["x"])
        await gateway.settle()
        assert states(sink) == [DELIVERED]
        assert gateway.engine.reports.correlator.early_count == 0


@pytest.mark.parametrize("second", [ENROUTE, UNDELIVERABLE, MessageState.EXPIRED])
@pytest.mark.parametrize("together", [True, False])
async def test_the_first_final_state_wins(second: MessageState, together: bool) -> None:
    """What comes after a final state, be it intermediate or final, is answered and changes nothing (D08, D09)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        (message,) = await take(gateway, "x", registered_delivery=0x11)
        if together:
            reported = gateway.carrier.receipts([("x", DELIVERED), ("x", second)])
        else:
            gateway.carrier.receipt("x")
            await gateway.settle()
            reported = gateway.carrier.receipt("x", state=second)
        await gateway.settle()
        assert set(reported.statuses) == {ESME_ROK}
        assert states(sink) == [DELIVERED]
        found = await gateway.find(message)
        assert found is not None
        assert found.state is DELIVERED


async def test_a_receipt_for_nobody() -> None:
    """An unknown id is answered at once and kept; after its time it leaves, counted as an orphan (D10)."""
    config = make_config(store=StoreSettings(parked_receipt_ttl=Duration(60)))
    store = MemoryStore()
    async with run_gateway(config, store) as gateway:
        reported = gateway.carrier.receipt("who", "what", "who")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK] * 3
        assert len(store.tables.parked_receipts) == 2
        await trio.sleep(58)
        assert len(store.tables.parked_receipts) == 2
        await trio.sleep(5)
        assert not store.tables.parked_receipts
        assert gateway.engine.reports.correlator.early_count == 0
        assert await orphans(gateway) == 3


async def test_a_receipt_after_we_said_expired_or_unknown() -> None:
    """The final state that the account heard stays; the late report is answered (D11)."""
    config = make_config(receipts=ReceiptSettings(carrier_grace=Duration(10)))
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        await take(gateway, "x", ttl_s=5)
        await trio.sleep(18)
        assert states(sink) == [MessageState.UNKNOWN]
        reported = gateway.carrier.receipt("x")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert states(sink) == [MessageState.UNKNOWN]


async def test_two_carriers_with_the_same_id() -> None:
    """Ids belong to their carrier: each receipt ends its own message (D04)."""
    config = make_config(
        carriers={"alpha": carrier_settings(), "beta": carrier_settings()},
        pools={"gb": pool_settings("alpha"), "vn": pool_settings("beta")},
    )
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        one, other = await gateway.accept_one(pool="gb"), await gateway.accept_one(pool="vn")
        await gateway.settle()
        for carrier in gateway.carriers.values():
            carrier.link.accept(ids=["1"])
        gateway.carriers["beta"].receipt("1", state=UNDELIVERABLE)
        await gateway.settle()
        assert [(d.message_id, d.message_state) for d in sink.received] == [(other.message_id, UNDELIVERABLE)]
        gateway.carriers["alpha"].receipt("1")
        await gateway.settle()
        assert [(d.message_id, d.message_state) for d in sink.received][1:] == [(one.message_id, DELIVERED)]
        gateway.assert_nothing_is_held()


async def test_one_id_for_two_messages() -> None:
    """Both are kept; two receipts end both, one each (G07)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        messages = await take(gateway, "x", "x")
        gateway.carrier.receipt("x")
        await gateway.settle()
        assert len(sink.received) == 1
        gateway.carrier.receipt("x")
        await gateway.settle()
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)
        gateway.assert_nothing_is_held()


async def test_an_id_that_is_used_again() -> None:
    """The carrier's counter wrapped: the receipt is for the open message, the closed one stays as it was (D05)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        (first,) = await take(gateway, "1")
        gateway.carrier.receipt("1")
        await gateway.settle()
        (second,) = await take(gateway, "1")
        gateway.carrier.receipt("1", state=UNDELIVERABLE)
        await gateway.settle()
        assert [(d.message_id, d.message_state) for d in sink.received] == [
            (first.message_id, DELIVERED),
            (second.message_id, UNDELIVERABLE),
        ]


async def test_a_carrier_that_gives_no_id() -> None:
    """Its message waits for the grace in the store; a receipt with no id ends nobody's message (G06)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await take(gateway, "", "")
        assert not gateway.engine.core.live
        reported = gateway.carrier.receipt("")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert sink.received == []


async def test_messages_that_left_memory_are_found_in_the_store() -> None:
    """More messages await receipts than memory holds: the oldest are found all the same, memory stays bounded."""
    config = make_config(store=StoreSettings(live_messages_in_memory_max=10))
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        ids = [f"id-{number}" for number in range(60)]
        messages = await take(gateway, *ids)
        assert len(gateway.engine.core.live) == 10
        reported = gateway.carrier.receipts([(given_id, DELIVERED) for given_id in reversed(ids)])
        await trio.sleep(1)
        assert reported.statuses == [ESME_ROK] * 60
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)
        assert len(gateway.engine.core.live) <= 10
        gateway.assert_nothing_is_held()


async def test_intermediate_reports_of_messages_that_left_memory() -> None:
    """Loaded for one report, a message is found again for the next."""
    config = make_config(store=StoreSettings(live_messages_in_memory_max=1))
    async with run_gateway(config) as gateway:
        sink = gateway.attach()
        await take(gateway, "a", "b", "c", registered_delivery=0x11)
        for state in (ENROUTE, DELIVERED):
            for given_id in ("a", "b", "c"):
                gateway.carrier.receipt(given_id, state=state)
                await gateway.settle()
        assert states(sink) == [ENROUTE] * 3 + [DELIVERED] * 3
        gateway.assert_nothing_is_held()


async def test_receipts_after_a_restart() -> None:
    """Messages taken in an earlier life are found in the store, also by an id that two of them have."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        messages = await take(gateway, "a", "b", "b")
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        sink = gateway.attach()
        reported = gateway.carrier.receipt("a", "b", "b")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK] * 3
        again = gateway.carrier.receipt("a", "b")
        await gateway.settle()
        assert again.statuses == [ESME_ROK] * 2
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)
        gateway.assert_nothing_is_held()
        assert gateway.sent == []
    assert not tables.messages


async def test_an_early_receipt_outlives_the_process() -> None:
    """Parked in one life, matched in the next."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        reported = gateway.carrier.receipt("x")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        sink = gateway.attach()
        await take(gateway, "x")
        assert states(sink) == [DELIVERED]
        gateway.assert_nothing_is_held()
    assert not tables.parked_receipts


@pytest.mark.parametrize("kind", ["matched", "duplicate", "unknown", "looked up"])
async def test_a_carrier_is_answered_after_the_commit(kind: str) -> None:
    """Whatever a receipt does, the carrier hears ESME_ROK only when that is durable (F11)."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        await take(gateway, "old")
    store = MemoryStore(tables)
    async with run_gateway(store=store, clock=clock) as gateway:
        gateway.attach()
        await take(gateway, "x")
        store.hold()
        given_id = {"matched": "x", "duplicate": "x", "unknown": "y", "looked up": "old"}[kind]
        reported = gateway.carrier.receipt(given_id)
        if kind == "duplicate":
            reported = gateway.carrier.receipt(given_id)
        await wait_all_tasks_blocked()
        await trio.sleep(60)
        assert reported.statuses == []
        store.release()
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]


async def test_a_crash_before_the_answer() -> None:
    """Not answered, so the carrier brings it again; then it has its effect, once."""
    tables, clock = Tables(), FakeClock()
    store = MemoryStore(tables)
    async with run_gateway(store=store, clock=clock) as gateway:
        gateway.attach()
        (message,) = await take(gateway, "x")
        store.hold()
        reported = gateway.carrier.receipt("x")
        await wait_all_tasks_blocked()
    assert reported.statuses == []
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        sink = gateway.attach()
        again = gateway.carrier.receipt("x")
        await gateway.settle()
        assert again.statuses == [ESME_ROK]
        assert sink.message_ids == [message.message_id]


async def test_no_room_to_park() -> None:
    """At ``parked_receipts_max`` the carrier is asked to come again; matched ones go on."""
    config = make_config(store=StoreSettings(parked_receipts_max=3))
    async with run_gateway(config) as gateway:
        await take(gateway, "x")
        full = gateway.carrier.receipt("a", "b", "c", "d", "e")
        await gateway.settle()
        assert sorted(full.statuses) == [ESME_ROK] * 3 + [ESME_RX_T_APPN] * 2
        matched = gateway.carrier.receipt("x")
        await gateway.settle()
        assert matched.statuses == [ESME_ROK]
        await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.link.accept(ids=["a"])
        await gateway.settle()
        room = gateway.carrier.receipt("d")
        await gateway.settle()
        assert room.statuses == [ESME_ROK]


async def test_the_store_cannot_be_asked() -> None:
    """Receipts whose message only the store knows wait until it answers again; none is parked by mistake."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        messages = await take(gateway, "a", "b")
    store = MemoryStore(tables)
    async with run_gateway(store=store, clock=clock) as gateway:
        sink = gateway.attach()
        store.break_down(StoreFailed("gone"))
        reported = gateway.carrier.receipt("a", "b")
        await trio.sleep(60)
        assert reported.statuses == []
        store.repair()
        await trio.sleep(2)
        assert reported.statuses == [ESME_ROK] * 2
        assert sorted(sink.message_ids) == sorted(message.message_id for message in messages)
        assert not tables.parked_receipts


async def test_a_response_while_its_receipt_is_looked_up() -> None:
    """The receipt missed memory, and while the store is asked the response comes: matched, not parked for ever."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(store=MemoryStore(tables), clock=clock) as gateway:
        await take(gateway, "old")
    store = MemoryStore(tables)
    async with run_gateway(store=store, clock=clock) as gateway:
        sink = gateway.attach()
        await gateway.accept_one()
        await gateway.settle()
        store.hold()
        reported = gateway.carrier.receipt("x")
        await wait_all_tasks_blocked()
        gateway.carrier.link.accept(ids=["x"])
        await wait_all_tasks_blocked()
        store.release()
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert states(sink) == [DELIVERED]
        assert not tables.parked_receipts
        assert gateway.engine.reports.correlator.early_count == 0


def report_next(gateway: FakeGateway, store: MemoryStore) -> None:
    """Have receipts come right after the next commit, so that their look-up and the sweep's share the one after."""
    on_commit = store.on_commit

    def report(seconds: float, changes: int) -> None:
        store.on_commit = on_commit
        on_commit(seconds, changes)
        gateway.carrier.receipt("a", "b")

    store.on_commit = report


async def test_a_message_that_ends_while_its_receipt_is_looked_up() -> None:
    """A row found in the store is not taken up when its message ended while the store was asked."""
    config = make_config(receipts=ReceiptSettings(carrier_grace=Duration(0)))
    for _ in range(8):  # who is woken first is chance
        tables, clock = Tables(), FakeClock()
        async with run_gateway(config, MemoryStore(tables), clock) as gateway:
            await take(gateway, "a", "b", ttl_s=30)
        store = MemoryStore(tables)
        async with run_gateway(config, store, clock) as gateway:
            sink = gateway.attach()
            await trio.sleep(30.5)
            store.hold()
            await trio.sleep(0.7)  # the sweep has begun to ask
            report_next(gateway, store)
            store.release()
            await trio.sleep(5)
            assert len(sink.received) == 2
            gateway.assert_nothing_is_held()


async def test_a_flood_of_receipts_after_a_restart() -> None:
    """Thousands of receipts for messages of an earlier life: all answered, all told of, memory bounded (G14)."""
    config = make_config(store=StoreSettings(live_messages_in_memory_max=100))
    tables, clock = Tables(), FakeClock()
    ids = [f"id-{number}" for number in range(3_000)]
    async with run_gateway(config, MemoryStore(tables), clock) as gateway:
        gateway.carrier.next_id = iter(ids).__next__
        gateway.carrier.accept_all()
        for _ in range(30):
            await gateway.accept(100)
        await gateway.settle()
    async with run_gateway(config, MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        reported = [gateway.carrier.receipt(*ids[start : start + 50]) for start in range(0, 3_000, 50)]
        await trio.sleep(5)
        assert {status for batch in reported for status in batch.statuses} == {ESME_ROK}
        assert sum(len(batch.statuses) for batch in reported) == 3_000
        assert len(set(sink.message_ids)) == len(sink.message_ids) == 3_000
        gateway.assert_nothing_is_held()
    assert not tables.messages
