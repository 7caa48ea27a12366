"""cancel_sm without an id, by addresses; and by the id of a submit_multi: one's own queued messages only (J06)."""

from typing import Any

import pytest
import trio.testing
from esme_bench import Bench, Client, front_door

from smsagg.errors import StoreFailed
from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import CancelSm, CancelSmResp, DeliverSm, SmeAddress, SubmitMulti, SubmitMultiResp

LATER = "000000020000000R"
NEXT_YEAR = "000020000000000R"
"""Further away than what is kept in memory."""
DELETED, QUEUED = MessageState.DELETED, MessageState.QUEUED


async def cancel(client: Client, message_id: str = "", **fields: Any) -> int:
    values = {"source_addr": "ACME", "destination_addr": "447700900123"} | fields
    await client.send(CancelSm(message_id=message_id, **values))  # type: ignore[arg-type]
    return (await client.receive(CancelSmResp)).command_status


async def states(bench: Bench) -> list[MessageState]:
    await bench.settle()
    return [message.state for message in bench.stored]


@pytest.mark.parametrize("schedule", [LATER, NEXT_YEAR])
async def test_a_null_id_cancels_all_that_match(autojump_clock: trio.testing.MockClock, schedule: str) -> None:
    """In memory and in the store alone; each has its receipt, and other addresses are left alone."""
    async with front_door() as bench:
        client = await bench.bound()
        for fields in ({}, {}, {"destination_addr": "447700900223"}, {"source_addr": "OTHER"}):
            await client.submit_ok(schedule_delivery_time=schedule, **fields)
        assert await cancel(client) == s.ESME_ROK
        assert await states(bench) == [DELETED, DELETED, QUEUED, QUEUED]
        receipts = await client.receive_many(DeliverSm, 2)
        assert all(b"stat:DELETED" in receipt.short_message for receipt in receipts)
        assert await cancel(client) == s.ESME_RCANCELFAIL


async def test_a_service_type_narrows_the_cancel(autojump_clock: trio.testing.MockClock) -> None:
    """NULL stands for any, a name for that one only."""
    async with front_door() as bench:
        client = await bench.bound()
        for service_type in ("CMT", "VMN", ""):
            await client.submit_ok(schedule_delivery_time=LATER, service_type=service_type)
        assert await cancel(client, service_type="VMN") == s.ESME_ROK
        assert await states(bench) == [QUEUED, DELETED, QUEUED]
        assert await cancel(client) == s.ESME_ROK
        assert await states(bench) == [DELETED] * 3


async def test_a_null_id_reaches_ones_own_messages_only(autojump_clock: trio.testing.MockClock) -> None:
    """Another account's with the same addresses stay, and answer as if there were none (J06)."""
    async with front_door() as bench:
        other = await bench.bound(system_id="other")
        await other.submit_ok(schedule_delivery_time=LATER)
        await other.submit_ok(schedule_delivery_time=NEXT_YEAR)
        client = await bench.bound()
        assert await cancel(client) == s.ESME_RCANCELFAIL
        assert await states(bench) == [QUEUED, QUEUED]


async def test_a_null_id_without_a_destination_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    """Nobody cancels everything by leaving out everything."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok(schedule_delivery_time=LATER)
        assert await cancel(client, destination_addr="") == s.ESME_RINVDSTADR
        assert await cancel(client, source_addr="") == s.ESME_RCANCELFAIL
        assert await states(bench) == [QUEUED]


async def test_what_a_carrier_has_is_not_cancelled_by_addresses(autojump_clock: trio.testing.MockClock) -> None:
    """The waiting one goes, the sent one stays; with none left it fails."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok()
        await bench.settle()
        assert await cancel(client) == s.ESME_RCANCELFAIL
        await client.submit_ok(schedule_delivery_time=LATER)
        assert await cancel(client) == s.ESME_ROK
        bench.carrier.receipt(*bench.carrier.accept())
        assert await states(bench) == [MessageState.DELIVERED, DELETED]


async def test_a_cancel_by_addresses_is_confirmed_after_its_commit(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_ROK means that no crash brings any of them back."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok(schedule_delivery_time=LATER)
        bench.store.hold()
        await client.send(CancelSm(source_addr="ACME", destination_addr="447700900123"))
        assert await client.waiting(CancelSmResp) == []
        bench.store.release()
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK
        assert [message.state for message in bench.stored] == [DELETED]


async def test_a_cancel_by_addresses_needs_the_store(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RSYSERR, and the session lives."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.store.break_down(StoreFailed("disk"))  # not the next question alone: the sweeper asks, too
        assert await cancel(client) == s.ESME_RSYSERR
        bench.store.repair()
        assert await client.is_alive()


async def test_one_copy_of_a_submit_multi_is_cancelled_by_its_destination(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The id names them all, the address the one; without it all that still wait go."""
    async with front_door() as bench:
        client = await bench.bound()
        destinations = tuple(SmeAddress(1, 1, f"44770090000{place}") for place in range(3))
        pdu = SubmitMulti(dest_addresses=destinations, short_message=b"x", schedule_delivery_time=LATER)
        await client.send(pdu)
        message_id = (await client.receive(SubmitMultiResp)).message_id
        one = {"source_addr": "", "destination_addr": "447700900001"}
        assert await cancel(client, message_id, **one) == s.ESME_ROK
        assert await states(bench) == [QUEUED, DELETED, QUEUED]
        assert await cancel(client, message_id, **one) == s.ESME_RCANCELFAIL
        assert await cancel(client, message_id, source_addr="", destination_addr="") == s.ESME_ROK
        assert await states(bench) == [DELETED] * 3
