"""Receipts that match nothing: kept with what they said, looked at, matched by another rule."""

from smsagg.engine.ending.unmatched import find_matches, rematch_running, rematch_stopped, unmatched_receipts
from smsagg.model import CarrierReceipt, Cause, MessageState
from smsagg.receipts.dialect import IdDialect
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import FakeGateway, run_gateway

DELIVERED, ENROUTE, FAILED = MessageState.DELIVERED, MessageState.ENROUTE, MessageState.UNDELIVERABLE
HEX_RESP = IdDialect(submit_sm_resp="hex_to_decimal")
TEXT = b"id:171 stat:UNDELIV err:006 text:secret"


def receipt(raw_id: str, state: MessageState = DELIVERED, msisdn: str = "") -> CarrierReceipt:
    return CarrierReceipt(raw_id, state, 6, 0, None, Cause.MEMORY_FULL, raw_id, TEXT, msisdn)


async def take(gateway: FakeGateway, *ids: str, **fields: object) -> None:
    await gateway.accept(len(ids), **fields)
    await gateway.settle()
    gateway.carrier.link.accept(ids=ids)
    await gateway.settle()


async def test_what_is_kept_of_a_receipt() -> None:
    """Its id as it came, the cause, whom it was for, its fields without what they quote; for a restart too."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(None, MemoryStore(tables), clock) as gateway:
        gateway.carrier.report(receipt("171", FAILED, "447700900123"))
        await gateway.settle()
    async with run_gateway(None, MemoryStore(tables), clock) as gateway:
        (row,) = await unmatched_receipts(gateway.store, "alpha")
        assert (row.raw_id, row.cause, row.msisdn, row.state) == ("171", Cause.MEMORY_FULL, "447700900123", FAILED)
        assert row.text == b"id:171 stat:UNDELIV err:006 text:"
        assert await unmatched_receipts(gateway.store, "beta") == []
        sink = gateway.attach()
        await take(gateway, "171")
        assert [(d.message_state, d.error_code) for d in sink.received] == [(FAILED, 6)]
        assert gateway.metrics.carrier_failures["alpha", "memory_full", "temporary"].n == 1


async def test_rematching_on_a_running_server() -> None:
    """What matches by the rule takes effect, in the order in which it came; the rest stays where it is."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        await take(gateway, "AB", "CD", registered_delivery=0x11)
        for state in (ENROUTE, DELIVERED):
            gateway.carrier.report(receipt("171", state))
        gateway.carrier.report(receipt("9"))
        await gateway.settle()
        assert sink.received == []
        reports = gateway.engine.reports
        assert (await find_matches(gateway.store, "alpha", HEX_RESP)).matches == {"171": "AB"}
        assert sink.received == []
        done = await rematch_running(gateway.store, reports, "alpha", HEX_RESP)
        assert (done.matches, done.ambiguous, done.unmatched) == ({"171": "AB"}, [], ["9"])
        await gateway.settle()
        assert [d.message_state for d in sink.received] == [ENROUTE, DELIVERED]
        assert [row.raw_id for row in await unmatched_receipts(gateway.store)] == ["9"]
        assert reports.correlator.early_count == 1
        nothing = await rematch_running(gateway.store, reports, "alpha", HEX_RESP)
        assert nothing.matches == {}


async def test_rematching_in_the_store_of_a_stopped_server() -> None:
    """It is noted, and takes effect at the start; noting it twice is harmless."""
    tables, clock = Tables(), FakeClock()
    async with run_gateway(None, MemoryStore(tables), clock) as gateway:
        await take(gateway, "AB", "CD")
        gateway.carrier.report(receipt("171"), receipt("9"))
        await gateway.settle()
    store = MemoryStore(tables)
    for _ in range(2):
        assert (await rematch_stopped(store, "alpha", HEX_RESP)).matches == {"171": "AB"}
    async with run_gateway(None, MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        await gateway.settle()
        assert [d.message_state for d in sink.received] == [DELIVERED]
        assert [key[1] for key in tables.parked_receipts] == ["9"]


async def test_a_crash_before_a_rematch_is_committed() -> None:
    """The receipt is still there, and the message still waits."""
    tables, clock = Tables(), FakeClock()
    store = MemoryStore(tables)
    async with run_gateway(None, store, clock) as gateway:
        await take(gateway, "AB")
        gateway.carrier.report(receipt("171"))
        await gateway.settle()
        matches = await find_matches(store, "alpha", HEX_RESP)
        gateway.engine.reports.look_up_parked("alpha", matches.matches)
        store.crash()
    assert [key[1] for key in tables.parked_receipts] == ["171"]
    async with run_gateway(None, MemoryStore(tables), clock) as gateway:
        sink = gateway.attach()
        await rematch_running(gateway.store, gateway.engine.reports, "alpha", HEX_RESP)
        await gateway.settle()
        assert len(sink.received) == 1


async def test_ambiguous_receipts_stay_on_the_list() -> None:
    """Unless the number that they tell decides."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        for carrier_id, number in (("AB", "447700900001"), ("ab", "447700900002"), ("CD", "447700900001"), ("cd", "3")):
            await take(gateway, carrier_id, destination_addr=number)
        gateway.carrier.report(receipt("171"), receipt("205", msisdn="+447700900001"))
        await gateway.settle()
        done = await rematch_running(gateway.store, gateway.engine.reports, "alpha", HEX_RESP)
        assert (done.matches, done.ambiguous) == ({"205": "CD"}, ["171"])
        await gateway.settle()
        assert len(sink.received) == 1


async def test_one_id_for_two_messages_and_a_receipt_that_says_whom() -> None:
    """The one for that number is ended, be it the older; one that does not say ends the newest (D04, D05, G07)."""
    async with run_gateway() as gateway:
        sink = gateway.attach()
        for number in ("447700900001", "447700900002", "447700900003"):
            await take(gateway, "x", destination_addr=number)
        gateway.carrier.report(receipt("x", msisdn="447700900001"))
        await gateway.settle()
        gateway.carrier.report(receipt("x"))
        await gateway.settle()
        gateway.carrier.report(receipt("x", msisdn="447700900002"))
        await gateway.settle()
        assert [d.source_addr for d in sink.received] == ["447700900001", "447700900003", "447700900002"]
        assert gateway.engine.reports.correlator.collisions == 2
        gateway.assert_nothing_is_held()
