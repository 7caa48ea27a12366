"""Receipts and MO on their way to an account's sessions: who gets them, in what shape, and what an answer does."""

from typing import Any

import pytest
import trio
import trio.testing
from esme_bench import Bench, Client, account, front_door

from smsagg.config.schema import SessionSettings
from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import BindReceiver, BindTransmitter, DeliverSm, DeliverSmResp
from smsagg.smpp.tlv import Tag, encode_tlvs


def receipted_id(receipt: DeliverSm) -> str:
    return dict(receipt.tlvs)[int(Tag.RECEIPTED_MESSAGE_ID)].rstrip(b"\0").decode()


async def make_receipts(bench: Bench, client: Client, count: int, **fields: Any) -> list[str]:
    """Submit and have everything delivered; the message ids."""
    message_ids = [await client.submit_ok(**fields) for _ in range(count)]
    await bench.settle()
    bench.carrier.receipt(*bench.carrier.accept())
    await bench.settle()
    return message_ids


async def test_the_shape_of_a_receipt(autojump_clock: trio.testing.MockClock) -> None:
    """Addresses swapped, esm_class 4, the text of appendix B, and the id exactly as the submit_sm_resp gave it."""
    async with front_door() as bench:
        client = await bench.bound()
        (message_id,) = await make_receipts(bench, client, 1, source_addr_ton=1, source_addr_npi=1, source_addr="4477")
        receipt = await client.receive(DeliverSm)
        assert (receipt.source_addr_ton, receipt.source_addr_npi, receipt.source_addr) == (1, 1, "447700900123")
        assert (receipt.dest_addr_ton, receipt.dest_addr_npi, receipt.destination_addr) == (1, 1, "4477")
        assert (receipt.esm_class, receipt.data_coding, receipt.registered_delivery) == (4, 0, 0)
        expected = (
            f"id:{message_id} sub:001 dlvrd:001 submit date:2701150800 done date:2701150800 "
            "stat:DELIVRD err:000 text:hello"
        )
        assert receipt.short_message.decode() == expected
        assert dict(receipt.tlvs) == {Tag.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0", Tag.MESSAGE_STATE: b"\2"}


async def test_a_failure_names_its_code(autojump_clock: trio.testing.MockClock) -> None:
    """err in the text, network_error_code beside it."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok()
        bench.carrier.accept()
        bench.carrier.receipt("alpha-1", state=MessageState.UNDELIVERABLE, error_code=32)
        receipt = await client.receive(DeliverSm)
        assert b"dlvrd:000" in receipt.short_message
        assert b"stat:UNDELIV err:032" in receipt.short_message
        assert dict(receipt.tlvs)[int(Tag.NETWORK_ERROR_CODE)] == b"\3\0\x20"


@pytest.mark.parametrize(
    ("registered_delivery", "state", "is_told"),
    [
        (0, MessageState.DELIVERED, False),
        (1, MessageState.DELIVERED, True),
        (1, MessageState.UNDELIVERABLE, True),
        (2, MessageState.DELIVERED, False),
        (2, MessageState.UNDELIVERABLE, True),
        (3, MessageState.DELIVERED, True),
        (3, MessageState.UNDELIVERABLE, False),
        (0x10, MessageState.ENROUTE, True),
        (0x01, MessageState.ENROUTE, False),
    ],
)
async def test_who_asks_for_what_gets_just_that(
    autojump_clock: trio.testing.MockClock, registered_delivery: int, state: MessageState, is_told: bool
) -> None:
    """registered_delivery decides, whatever we ask of the carrier."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok(registered_delivery=registered_delivery)
        await bench.settle()
        bench.carrier.accept()
        bench.carrier.receipt("alpha-1", state=state)
        await bench.settle()
        assert len(await client.waiting(DeliverSm)) == is_told


async def test_receipts_go_to_receivers_of_the_account_only(autojump_clock: trio.testing.MockClock) -> None:
    """Never to a transmitter, never to another account."""
    async with front_door() as bench:
        transmitter, receiver = await bench.bound(BindTransmitter), await bench.bound(BindReceiver)
        other = await bench.bound(system_id="other")
        (message_id,) = await make_receipts(bench, transmitter, 1)
        assert [receipted_id(receipt) for receipt in await receiver.waiting(DeliverSm)] == [message_id]
        assert await transmitter.waiting(DeliverSm) == []
        assert await other.waiting(DeliverSm) == []


async def test_receipts_go_where_least_is_outstanding(autojump_clock: trio.testing.MockClock) -> None:
    """A session that does not answer gets no more than its share; the one that does carries the rest."""
    async with front_door(SessionSettings(deliver_window=4)) as bench:
        transmitter = await bench.bound(BindTransmitter)
        idle, busy = await bench.bound(BindReceiver), await bench.bound(BindReceiver)
        message_ids = set(await make_receipts(bench, transmitter, 20))
        received = set()
        while batch := await busy.waiting(DeliverSm):
            assert len(batch) <= 4
            received |= {receipted_id(receipt) for receipt in batch}
            for receipt in batch:
                await busy.acknowledge(receipt)
        assert len(received) == 16
        assert {receipted_id(receipt) for receipt in await idle.waiting(DeliverSm)} == message_ids - received


async def test_unanswered_receipts_survive_their_session(autojump_clock: trio.testing.MockClock) -> None:
    """What a session took and did not answer comes again, first, to the next that binds."""
    async with front_door() as bench:
        client = await bench.bound()
        message_ids = await make_receipts(bench, client, 3)
        first, _, third = await client.waiting(DeliverSm)
        await client.acknowledge(first)
        await bench.settle()
        await client.close()
        await client.ended.wait()
        again = await bench.bound(BindReceiver)
        receipts = await again.receive_many(DeliverSm, 2)
        assert [receipted_id(receipt) for receipt in receipts] == message_ids[1:]
        assert third.short_message == receipts[1].short_message
        for receipt in receipts:
            await again.acknowledge(receipt)
        await bench.settle()
        assert bench.store.tables.deliveries == {}


async def test_receipts_wait_for_an_account_that_is_away(autojump_clock: trio.testing.MockClock) -> None:
    """An hour offline loses nothing."""
    async with front_door() as bench:
        transmitter = await bench.bound(BindTransmitter)
        message_ids = await make_receipts(bench, transmitter, 5)
        await transmitter.close()
        await trio.sleep(3_600)
        receiver = await bench.bound(BindReceiver)
        receipts = await receiver.receive_many(DeliverSm, 5)
        assert sorted(map(receipted_id, receipts)) == sorted(message_ids)


@pytest.mark.parametrize("command_status", [s.ESME_RX_T_APPN, s.ESME_RTHROTTLED, s.ESME_RMSGQFUL, s.ESME_RSYSERR])
async def test_a_receipt_refused_for_now_comes_again(
    autojump_clock: trio.testing.MockClock, command_status: int
) -> None:
    """With a pause that grows, until it is taken."""
    async with front_door() as bench:
        client = await bench.bound()
        (message_id,) = await make_receipts(bench, client, 1)
        at = []
        for _ in range(3):
            receipt = await client.receive(DeliverSm)
            assert receipted_id(receipt) == message_id
            at.append(trio.current_time())
            await client.acknowledge(receipt, command_status)
        assert 0.5 < at[1] - at[0] < at[2] - at[1]
        await client.acknowledge(await client.receive(DeliverSm))
        await bench.settle()
        assert bench.store.tables.deliveries == {}


@pytest.mark.parametrize("command_status", [s.ESME_RX_P_APPN, s.ESME_RX_R_APPN, s.ESME_RINVDSTADR])
async def test_a_receipt_refused_for_good_is_over(autojump_clock: trio.testing.MockClock, command_status: int) -> None:
    """The ESME's final word is respected."""
    async with front_door() as bench:
        client = await bench.bound()
        await make_receipts(bench, client, 1)
        await client.acknowledge(await client.receive(DeliverSm), command_status)
        await bench.settle()
        assert bench.store.tables.deliveries == {}


async def test_a_receipt_that_is_never_answered_comes_again(autojump_clock: trio.testing.MockClock) -> None:
    """After the response timer, on any session that receives; the silent session lives on."""
    async with front_door() as bench:
        client = await bench.bound()
        (message_id,) = await make_receipts(bench, client, 1)
        receipt = await client.receive(DeliverSm)
        began_at = trio.current_time()
        again = await client.receive(DeliverSm)
        assert receipted_id(again) == receipted_id(receipt) == message_id
        assert trio.current_time() - began_at >= 10.0
        await client.acknowledge(again)
        await bench.settle()
        assert bench.store.tables.deliveries == {}
        assert await client.is_alive()


async def test_a_second_answer_to_one_receipt_is_dropped(autojump_clock: trio.testing.MockClock) -> None:
    """The first one counted."""
    async with front_door() as bench:
        client = await bench.bound()
        await make_receipts(bench, client, 1)
        receipt = await client.receive(DeliverSm)
        await client.send(*[DeliverSmResp(sequence_number=receipt.sequence_number) for _ in range(3)])
        await bench.settle()
        assert bench.store.tables.deliveries == {}
        assert await client.is_alive()


async def test_no_more_than_the_window_is_outstanding(autojump_clock: trio.testing.MockClock) -> None:
    """One answer makes room for one receipt."""
    async with front_door(SessionSettings(deliver_window=3)) as bench:
        client = await bench.bound()
        await make_receipts(bench, client, 5)
        first = await client.waiting(DeliverSm)
        assert len(first) == 3
        await client.acknowledge(first[1])
        assert len(await client.waiting(DeliverSm)) == 1


async def test_a_message_from_a_handset_reaches_its_owner(autojump_clock: trio.testing.MockClock) -> None:
    """By its number; the carrier hears ESME_ROK after the commit, the text arrives octet by octet."""
    async with front_door(
        accounts={"acme": account("acme", mo_numbers=("12345",)), "other": account("other")}
    ) as bench:
        client, other = await bench.bound(BindReceiver), await bench.bound(system_id="other")
        reported = bench.carrier.mo("12345", b"STOP\0\xff")
        mo = await client.receive(DeliverSm)
        assert reported.statuses == [s.ESME_ROK]
        assert (mo.esm_class & 0x3C, mo.destination_addr, mo.short_message) == (0, "12345", b"STOP\0\xff")
        assert await other.waiting(DeliverSm) == []


async def test_odd_tlvs_of_a_handset_message_arrive_as_they_are(autojump_clock: trio.testing.MockClock) -> None:
    """A known TLV of a length that it must not have harms nobody: it is the carrier's and the customer's affair."""
    tlv = (int(Tag.USER_MESSAGE_REFERENCE), b"\x07")
    async with front_door(accounts={"acme": account("acme", mo_numbers=("*",))}) as bench:
        client = await bench.bound()
        bench.carrier.mo("777", tlvs=encode_tlvs((tlv,)))
        assert (await client.receive(DeliverSm)).tlvs == (tlv,)


async def test_a_long_message_from_a_handset_comes_as_payload(autojump_clock: trio.testing.MockClock) -> None:
    """short_message holds 254 octets, message_payload the rest of the world."""
    async with front_door(accounts={"acme": account("acme", mo_numbers=("*",))}) as bench:
        client = await bench.bound()
        bench.carrier.mo("777", b"x" * 2_000)
        mo = await client.receive(DeliverSm)
        assert (mo.short_message, dict(mo.tlvs)[int(Tag.MESSAGE_PAYLOAD)]) == (b"", b"x" * 2_000)
