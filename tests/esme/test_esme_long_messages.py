"""Long messages at the front door: one request, one answer, one id, whatever they become behind it."""

from typing import Any

import pytest
import trio.testing
from esme_bench import account, front_door

from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import (
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    QuerySm,
    QuerySmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.tlv import Tag
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings

LONG = b"0123456789" * 40
PAYLOAD = ((int(Tag.MESSAGE_PAYLOAD), LONG),)


def sections(**values: Any) -> dict[str, Any]:
    """One account, with these settings, and a carrier that wants parts."""
    return {
        "accounts": {"acme": account("acme", **values)},
        "carriers": {"alpha": carrier_settings(FakeSettings(long_messages="udh"))},
    }


async def test_answers_in_reverse_order_across_parts(autojump_clock: trio.testing.MockClock) -> None:
    """Each submit hears the id of its own first part, and each part keeps the carrier id of its own answer (G08)."""
    async with front_door(**sections()) as bench:
        client = await bench.bound()
        pdus = [SubmitSm(source_addr="ACME", destination_addr=f"44770090012{n}", tlvs=PAYLOAD) for n in range(3)]
        await client.send(*pdus)
        responses = {r.sequence_number: r.message_id for r in await client.receive_many(SubmitSmResp, 3)}
        assert len(set(responses.values())) == 3
        await bench.settle()
        parts = bench.carrier.outstanding
        assert len(parts) == 9
        destinations = {part.message_id: part.destination_addr for part in parts}
        assert {destinations[responses[pdu.sequence_number]] for pdu in pdus} == {p.destination_addr for p in pdus}
        link = bench.carrier.link
        link.accept(list(reversed(parts)), [f"id{part.seq}" for part in reversed(parts)])
        await bench.settle()
        assert {(row.seq, row.carrier_message_id) for row in bench.store.tables.messages.values()} == {
            (seq, f"id{seq}") for seq in range(1, 10)
        }


async def test_a_submit_multi_of_a_long_text(autojump_clock: trio.testing.MockClock) -> None:
    """One id for all; each destination has one receipt, and a query tells of all of them."""
    async with front_door(**sections()) as bench:
        client = await bench.bound()
        destinations = tuple(SmeAddress(1, 1, f"44770090012{n}") for n in range(2))
        await client.send(
            SubmitMulti(source_addr="ACME", dest_addresses=destinations, registered_delivery=1, tlvs=PAYLOAD)
        )
        response = await client.receive(SubmitMultiResp)
        assert response.command_status == s.ESME_ROK
        await bench.settle()
        ids = bench.carrier.accept()
        assert len(ids) == 6
        bench.carrier.receipts(
            [(i, MessageState.UNDELIVERABLE if i == ids[4] else MessageState.DELIVERED) for i in ids]
        )
        receipts = await client.receive_many(DeliverSm, 2)
        states = {receipt.source_addr: dict(receipt.tlvs)[int(Tag.MESSAGE_STATE)] for receipt in receipts}
        assert states == {"447700900120": b"\2", "447700900121": b"\5"}
        assert all(f"id:{response.message_id} ".encode() in receipt.short_message for receipt in receipts)
        await client.send(QuerySm(message_id=response.message_id, source_addr="ACME"))
        assert (await client.receive(QuerySmResp)).message_state == MessageState.UNDELIVERABLE


@pytest.mark.parametrize("version", [0x33, 0x34, 0x50])
async def test_query_and_cancel_of_a_long_message(autojump_clock: trio.testing.MockClock, version: int) -> None:
    """By its one id, whatever form ids have for the peer; it is scheduled or over as a whole."""
    async with front_door(**sections()) as bench:
        client = await bench.bound(interface_version=version)
        body: dict[str, Any] = (
            {"short_message": LONG[:250]} if version == 0x33 else {"short_message": b"", "tlvs": PAYLOAD}
        )
        message_id = await client.submit_ok(schedule_delivery_time="000000010000000R", **body)
        await client.send(QuerySm(message_id=message_id, source_addr="ACME"))
        assert (await client.receive(QuerySmResp)).message_state == MessageState.ENROUTE
        await client.send(CancelSm(message_id=message_id, source_addr="ACME"))
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK
        assert b"stat:DELETED" in (await client.receive(DeliverSm)).short_message
        await bench.settle()
        await client.send(QuerySm(message_id=message_id, source_addr="ACME"))
        assert (await client.receive(QuerySmResp)).message_state == MessageState.DELETED
        assert len(bench.store.tables.history) > 1
        assert not bench.store.tables.messages


async def test_a_long_data_sm(autojump_clock: trio.testing.MockClock) -> None:
    """It is a message like any."""
    async with front_door(**sections()) as bench:
        client = await bench.bound()
        await client.send(
            DataSm(source_addr="ACME", destination_addr="447700900123", registered_delivery=1, tlvs=PAYLOAD)
        )
        response = await client.receive(DataSmResp)
        assert response.command_status == s.ESME_ROK
        await bench.settle()
        bench.carrier.receipt(*bench.carrier.accept())
        receipt = await client.receive(DeliverSm)
        assert f"id:{response.message_id} ".encode() in receipt.short_message


async def test_a_message_whose_parts_exceed_the_rate_is_refused_whole(autojump_clock: trio.testing.MockClock) -> None:
    """Not stored, not charged: the next short one passes (C09)."""
    async with front_door(**sections(rate=3.0)) as bench:
        client = await bench.bound()
        await client.submit_ok()
        response = await client.submit(short_message=b"", tlvs=PAYLOAD)
        assert response.command_status == s.ESME_RTHROTTLED
        await client.submit_ok()
        await client.submit_ok()
        assert (await client.submit()).command_status == s.ESME_RTHROTTLED
        await bench.settle()
        assert len(bench.store.tables.messages) == 3
