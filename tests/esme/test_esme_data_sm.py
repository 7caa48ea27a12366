"""data_sm both ways: submitted by an ESME, and as the operation by which an account is given its deliveries."""

from typing import Any

import pytest
import trio
import trio.testing
from esme_bench import Client, account, front_door

from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import BindTransmitter, DataSm, DataSmResp, DeliverSm, QuerySm, QuerySmResp
from smsagg.smpp.tlv import Tag, decode_tlvs

PAYLOAD = int(Tag.MESSAGE_PAYLOAD)
BY_DATA = {"acme": account("acme", deliver_with="data_sm")}


async def send_data(client: Client, payload: bytes | None = b"hello", **fields: Any) -> DataSmResp:
    tlvs = fields.pop("tlvs", ())
    if payload is not None:
        tlvs = ((PAYLOAD, payload), *tlvs)
    values: dict[str, Any] = {
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "447700900123",
        "registered_delivery": 1,
    }
    await client.send(DataSm(**(values | fields), tlvs=tlvs))
    return await client.receive(DataSmResp)


async def test_a_data_sm_is_a_message_like_any(autojump_clock: trio.testing.MockClock) -> None:
    """Stored before its response, sent on as message_payload, receipted under the id of the data_sm_resp."""
    async with front_door() as bench:
        client = await bench.bound()
        response = await send_data(client, b"x" * 1_000, data_coding=4, service_type="WAP")
        assert response.command_status == s.ESME_ROK
        (message,) = bench.stored
        assert (message.body, message.in_payload, message.data_coding) == (b"x" * 1_000, True, 4)
        assert (message.service_type, message.message_id) == ("WAP", response.message_id)
        await bench.settle()
        bench.carrier.receipt(*bench.carrier.accept())
        assert f"id:{response.message_id} ".encode() in (await client.receive(DeliverSm)).short_message
        await client.send(QuerySm(response.message_id))
        assert (await client.receive(QuerySmResp)).message_state == MessageState.DELIVERED


async def test_a_data_sm_without_a_payload_lacks_a_parameter(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RMISSINGOPTPARAM, in its own response (A13)."""
    async with front_door() as bench:
        response = await send_data(await bench.bound(), None)
        assert response.command_status == s.ESME_RMISSINGOPTPARAM
        assert bench.stored == []


@pytest.mark.parametrize(
    ("fields", "command_status"),
    [
        ({"destination_addr": "4" * 40}, s.ESME_RINVDSTADR),
        ({"source_addr": "A" * 40}, s.ESME_RINVSRCADR),
        ({"esm_class": 0x3C}, s.ESME_RINVESMCLASS),
        ({"registered_delivery": 0x80}, s.ESME_RINVREGDLVFLG),
    ],
)
async def test_a_data_sm_is_refused_by_the_rules_of_a_submit(
    autojump_clock: trio.testing.MockClock, fields: dict[str, Any], command_status: int
) -> None:
    """Its own response says why; addresses that no submit_sm could carry on are refused."""
    async with front_door() as bench:
        assert (await send_data(await bench.bound(), **fields)).command_status == command_status
        assert bench.stored == []


async def test_limits_hold_for_data_sm(autojump_clock: trio.testing.MockClock) -> None:
    """The rate is the account's, whatever operation submits."""
    async with front_door(accounts={"acme": account("acme", rate=1.0, burst=1)}) as bench:
        client = await bench.bound()
        assert (await send_data(client)).command_status == s.ESME_ROK
        assert (await send_data(client)).command_status == s.ESME_RTHROTTLED


@pytest.mark.parametrize("way", ["data_sm", "submit_sm"])
async def test_qos_time_to_live_overrides_validity_period(autojump_clock: trio.testing.MockClock, way: str) -> None:
    """Seconds from the submit; the TLV itself is not sent on, since by then it would mean something else (E05)."""
    async with front_door() as bench:
        client = await bench.bound()
        tlvs = ((int(Tag.QOS_TIME_TO_LIVE), b"\0\0\0\x3c"), (int(Tag.USER_MESSAGE_REFERENCE), b"\0\1"))
        if way == "data_sm":
            assert (await send_data(client, tlvs=tlvs)).command_status == s.ESME_ROK
        else:
            await client.submit_ok(validity_period="000001000000000R", tlvs=tlvs)
        (message,) = bench.stored
        assert message.expires_at == message.accepted_at + 60_000
        assert [tag for tag, _ in decode_tlvs(message.tlvs, 10)] == [Tag.USER_MESSAGE_REFERENCE]


async def test_a_life_of_no_time_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RINVEXPIRY for a qos_time_to_live of 0, and one that ends before the schedule."""
    async with front_door() as bench:
        client = await bench.bound()
        nothing = ((int(Tag.QOS_TIME_TO_LIVE), bytes(4)),)
        assert (await send_data(client, tlvs=nothing)).command_status == s.ESME_RINVEXPIRY
        minute = ((int(Tag.QOS_TIME_TO_LIVE), b"\0\0\0\x3c"),)
        response = await client.submit(schedule_delivery_time="000000010000000R", tlvs=minute)
        assert response.command_status == s.ESME_RINVEXPIRY
        assert bench.stored == []


async def test_an_account_is_given_its_deliveries_by_data_sm_when_it_asks(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The receipt's text is the payload, its TLVs are those of a deliver_sm; answered, it is over."""
    async with front_door(accounts=BY_DATA) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok()
        bench.carrier.receipt(*bench.carrier.accept())
        receipt = await client.receive(DataSm)
        tlvs = dict(receipt.tlvs)
        assert tlvs[PAYLOAD].startswith(f"id:{message_id} ".encode())
        assert tlvs[int(Tag.RECEIPTED_MESSAGE_ID)] == message_id.encode() + b"\0"
        assert (receipt.esm_class, receipt.source_addr, receipt.destination_addr) == (4, "447700900123", "ACME")
        await client.send(DataSmResp(sequence_number=receipt.sequence_number))
        await bench.settle()
        assert bench.store.tables.deliveries == {}
        assert await client.waiting(DeliverSm) == []


@pytest.mark.parametrize(("reason", "comes_again"), [(0, True), (1, False), (2, False), (3, True)])
async def test_the_reason_of_a_failure_says_whether_to_come_again(
    autojump_clock: trio.testing.MockClock, reason: int, comes_again: bool
) -> None:
    """delivery_failure_reason decides: unavailable and temporary are tried again, the permanent ones are not."""
    async with front_door(accounts=BY_DATA) as bench:
        client = await bench.bound()
        await client.submit_ok()
        bench.carrier.receipt(*bench.carrier.accept())
        receipt = await client.receive(DataSm)
        tlvs = ((int(Tag.DELIVERY_FAILURE_REASON), bytes((reason,))),)
        answer = DataSmResp(sequence_number=receipt.sequence_number, command_status=s.ESME_RDELIVERYFAILURE, tlvs=tlvs)
        await client.send(answer)
        await trio.sleep(30)
        assert bool(await client.waiting(DataSm)) is comes_again


async def test_a_data_sm_answered_late_does_not_come_again(autojump_clock: trio.testing.MockClock) -> None:
    """After the response timer it was put aside; the late answer ends it."""
    async with front_door(accounts=BY_DATA) as bench:
        client = await bench.bound()
        await client.submit_ok()
        bench.carrier.receipt(*bench.carrier.accept())
        receipt = await client.receive(DataSm)
        await trio.sleep(11)
        await client.send(DataSmResp(sequence_number=receipt.sequence_number))
        await trio.sleep(12)
        assert await client.waiting(DataSm) == []
        assert bench.store.tables.deliveries == {}


async def test_a_receiver_does_not_submit_by_data_sm_nor_a_transmitter_get_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Its direction decides who may send it."""
    async with front_door(accounts=BY_DATA) as bench:
        transmitter = await bench.bound(BindTransmitter)
        await transmitter.submit_ok()
        bench.carrier.receipt(*bench.carrier.accept())
        await bench.settle()
        assert await transmitter.waiting(DataSm) == []


async def test_a_peer_of_3_3_gets_deliver_sm_whatever_it_asked_for(autojump_clock: trio.testing.MockClock) -> None:
    """The text of a data_sm is a TLV, and it is sent none."""
    async with front_door(accounts=BY_DATA) as bench:
        client = await bench.bound(interface_version=0x33)
        message_id = await client.submit_ok()
        bench.carrier.receipt(*bench.carrier.accept())
        assert (await client.receive(DeliverSm)).short_message.startswith(f"id:{message_id} ".encode())
