"""The simulated SMSC over a loopback socket: binds, submits, receipts, and what it does with nonsense."""

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from simulator_client import quick, running, submit_sm

from smsagg.clock import SystemClock
from smsagg.model import MessageState
from smsagg.receipts.parse import parse_receipt
from smsagg.simulator.journal import Journal
from smsagg.smpp import status
from smsagg.smpp.pdu import (
    BindReceiver,
    BindTransmitter,
    DeliverSm,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    QuerySm,
    QuerySmResp,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smsagg.smpp.tlv import Tag, tlv_value


async def test_a_message_is_answered_and_receipted() -> None:
    """A submit_sm gets an id, and its receipt names that id in text and TLV, with the addresses swapped."""
    async with running(quick()) as (_, connect):
        client = await connect()
        assert (await client.bind()).command_status == 0
        await client.send(submit_sm(b"nonce 42"))
        response = await client.receive(SubmitSmResp)
        receipt = await client.receive(DeliverSm)
        assert response.command_status == 0
        assert (receipt.source_addr, receipt.destination_addr) == ("447700900123", "ACME")
        assert (receipt.source_addr_ton, receipt.dest_addr_ton) == (1, 5)
        assert receipt.esm_class == 0x04
        assert receipt.short_message.startswith(f"id:{response.message_id} sub:001 dlvrd:001".encode())
        assert receipt.short_message.endswith(b"stat:DELIVRD err:000 text:nonce 42")
        assert tlv_value(receipt.tlvs, Tag.RECEIPTED_MESSAGE_ID) == response.message_id.encode() + b"\0"
        assert tlv_value(receipt.tlvs, Tag.MESSAGE_STATE) == b"\x02"


async def test_our_own_parser_understands_the_receipt() -> None:
    """What it writes is what the gateway's receipt parser reads."""
    async with running(quick(receipts={"states": {"UNDELIV": 1.0}})) as (_, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm())
        response = await client.receive(SubmitSmResp)
        receipt = await client.receive(DeliverSm)
        parsed = parse_receipt(receipt.short_message, receipt.tlvs)
        assert parsed is not None
        assert (parsed.carrier_message_id, parsed.state) == (response.message_id, MessageState.UNDELIVERABLE)


@pytest.mark.parametrize(
    ("registered_delivery", "state", "expected"),
    [(0, "DELIVRD", 0), (1, "UNDELIV", 1), (2, "DELIVRD", 0), (2, "UNDELIV", 1), (3, "DELIVRD", 1), (3, "UNDELIV", 0)],
)
async def test_registered_delivery_is_honoured(registered_delivery: int, state: str, expected: int) -> None:
    """Receipts come for the final states that were asked for."""
    async with running(quick(receipts={"states": {state: 1.0}})) as (simulator, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm(registered_delivery=registered_delivery))
        await client.receive(SubmitSmResp)
        await client.send(submit_sm(registered_delivery=1))  # its receipt comes after any of the first message
        await client.receive(SubmitSmResp)
        await client.receive(DeliverSm)
        if expected:
            await client.receive(DeliverSm)
        assert simulator.statistics.receipts_sent == expected + 1


async def test_only_receivers_get_receipts() -> None:
    """A transmitter's receipts go to the receiver of the same system_id."""
    async with running(quick()) as (_, connect):
        transmitter, receiver = await connect(), await connect()
        await transmitter.bind(BindTransmitter)
        await receiver.bind(BindReceiver)
        await transmitter.send(submit_sm())
        message_id = (await transmitter.receive(SubmitSmResp)).message_id
        assert message_id.encode() in (await receiver.receive(DeliverSm)).short_message


async def test_receipts_wait_for_a_client_that_is_away() -> None:
    """Receipts of a client without a receiver are kept and sent when one binds."""
    async with running(quick()) as (_, connect):
        transmitter = await connect()
        await transmitter.bind(BindTransmitter)
        await transmitter.send(*(submit_sm() for _ in range(5)))
        for _ in range(5):
            await transmitter.receive(SubmitSmResp)
        receiver = await connect()
        await receiver.bind(BindReceiver)
        for _ in range(5):
            await receiver.receive(DeliverSm)


async def test_unacknowledged_receipts_come_again_on_the_next_bind() -> None:
    """What was outstanding when a session ended is sent in the next one."""
    async with running(quick()) as (_, connect):
        first = await connect()
        await first.bind()
        await first.send(submit_sm())
        body = (await first.receive(DeliverSm)).short_message
        await first.stream.aclose()
        second = await connect()
        await second.bind()
        assert (await second.receive(DeliverSm)).short_message == body


async def test_refused_receipts_come_again() -> None:
    """A receipt answered with an error is repeated; one answered ESME_ROK is not."""
    async with running(quick()) as (simulator, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm())
        await client.acknowledge(await client.receive(DeliverSm), status.ESME_RX_T_APPN)
        await client.acknowledge(await client.receive(DeliverSm))
        await client.send(EnquireLink())
        await client.receive(EnquireLinkResp)
        assert simulator.statistics.receipts_acknowledged == 1
        assert simulator.statistics.receipts_repeated == 1


async def test_unanswered_receipts_come_again() -> None:
    """A deliver_sm that nobody answers is repeated after the timeout."""
    async with running(quick(deliver_timeout="100ms")) as (_, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm())
        first = await client.receive(DeliverSm)
        assert (await client.receive(DeliverSm)).short_message == first.short_message


async def test_the_deliver_window_is_kept() -> None:
    """No more deliver_sm are outstanding than the window allows."""
    async with running(quick(deliver_window=2)) as (simulator, connect):
        client = await connect()
        await client.bind()
        await client.send(*(submit_sm() for _ in range(6)))
        for expected in (2, 3, 4, 5, 6, 6):
            delivery = await client.receive(DeliverSm)
            await client.send(EnquireLink())
            await client.receive(EnquireLinkResp)
            assert simulator.statistics.receipts_sent == expected
            await client.acknowledge(delivery)


async def test_errors_are_answered_without_an_id() -> None:
    """A refused submit_sm gets its status and no receipt."""
    async with running(quick(errors={"ESME_RMSGQFUL": 1.0})) as (_, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm())
        response = await client.receive(SubmitSmResp)
        assert (response.command_status, response.message_id) == (status.ESME_RMSGQFUL, "")


async def test_an_early_receipt_beats_its_response() -> None:
    """With early receipts the deliver_sm is on the wire before the submit_sm_resp."""
    settings = quick(latency={"kind": "constant", "value": "50ms"}, receipts={"early": 1.0})
    async with running(settings) as (simulator, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm())
        receipt = await client.receive(DeliverSm)
        assert not any(isinstance(pdu, SubmitSmResp) for pdu in client._received)
        assert (await client.receive(SubmitSmResp)).message_id.encode() in receipt.short_message
        assert simulator.statistics.receipts_sent == 1


async def test_ids_in_another_form() -> None:
    """Response and receipt may write the id in different forms."""
    async with running(quick(ids={"form": "hex", "receipt_form": "decimal"}, receipt_tlvs=False)) as (_, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm())
        message_id = (await client.receive(SubmitSmResp)).message_id
        receipt = await client.receive(DeliverSm)
        assert receipt.short_message.startswith(f"id:{int(message_id, 16)} ".encode())
        assert receipt.tlvs == ()


async def test_messages_from_handsets() -> None:
    """MO arrive as deliver_sm without receipt bits."""
    async with running(quick(mo={"rate": "100/s", "destinations": ["555"], "texts": ["STOP"]})) as (_, connect):
        client = await connect()
        await client.bind()
        mo = await client.receive(DeliverSm)
        assert (mo.esm_class, mo.destination_addr, mo.short_message) == (0, "555", b"STOP")


async def test_binds_are_judged() -> None:
    """With accounts configured only their credentials bind; a second bind in a session is ESME_RALYBND."""
    async with running(quick(accounts={"acme": "secret"})) as (_, connect):
        client = await connect()
        assert (await client.bind(password="wrong")).command_status == status.ESME_RBINDFAIL
        assert (await client.bind(system_id="who")).command_status == status.ESME_RBINDFAIL
        assert (await client.bind()).command_status == 0
        assert (await client.bind()).command_status == status.ESME_RALYBND


async def test_submit_without_a_transmitting_bind_is_refused() -> None:
    """submit_sm before a bind, or on a receiver, gets ESME_RINVBNDSTS."""
    async with running(quick()) as (_, connect):
        client = await connect()
        await client.send(submit_sm())
        assert (await client.receive(SubmitSmResp)).command_status == status.ESME_RINVBNDSTS
        await client.bind(BindReceiver)
        await client.send(submit_sm())
        assert (await client.receive(SubmitSmResp)).command_status == status.ESME_RINVBNDSTS


async def test_nonsense_gets_an_answer_and_the_session_lives() -> None:
    """A malformed submit_sm, an unknown command and an unserved one are answered; then a good message goes through."""
    async with running(quick()) as (_, connect):
        client = await connect()
        await client.bind()
        await client.stream.send_all(bytes.fromhex("00000011 00000004 00000000 00000007 41"))
        assert (await client.receive(SubmitSmResp)).command_status != 0
        await client.stream.send_all(bytes.fromhex("00000010 00009999 00000000 00000008"))
        assert (await client.receive(GenericNack)).command_status == status.ESME_RINVCMDID
        await client.send(QuerySm(message_id="1"))
        assert (await client.receive(QuerySmResp)).command_status == status.ESME_RQUERYFAIL
        await client.send(submit_sm())
        assert (await client.receive(SubmitSmResp)).command_status == 0


async def test_an_unusable_header_ends_the_session() -> None:
    """HTTP on the SMPP port gets a generic_nack and the end."""
    async with running(quick()) as (_, connect):
        client = await connect()
        await client.stream.send_all(b"GET / HTTP/1.1\r\n\r\n")
        assert (await client.receive(GenericNack)).command_status == status.ESME_RINVCMDLEN
        with pytest.raises(EOFError):
            await client.receive(GenericNack)


async def test_unbind_is_answered_and_the_connection_closed() -> None:
    """unbind gets its response, then end of file."""
    async with running(quick()) as (_, connect):
        client = await connect()
        await client.bind()
        await client.send(Unbind())
        await client.receive(UnbindResp)
        with pytest.raises(EOFError):
            await client.receive(UnbindResp)


async def test_a_session_that_never_binds_is_closed() -> None:
    """session_init_timeout ends a connection without a bind."""
    async with running(quick(session_init_timeout="100ms")) as (_, connect):
        client = await connect()
        with pytest.raises(EOFError):
            await client.receive(UnbindResp)


async def test_a_client_that_does_not_read_is_not_read_from() -> None:
    """Responses that nobody reads stop the reading of requests, so that memory stays bounded."""
    async with running(quick(window_max=1_000_000, receipts={"missing": 1.0})) as (simulator, connect):
        client = await connect()
        await client.bind()
        sent = 0
        with trio.move_on_after(1.0):
            while True:
                await client.send(*(submit_sm(b"x" * 140) for _ in range(1_000)))
                sent += 1_000
        before = simulator.statistics.submits
        assert before < 1_000_000
        assert sum(session._socket.unsent_octets for session in simulator._sessions) < 32 << 20


async def test_the_journal_tells_every_step(tmp_path: Path) -> None:
    """submit, response, receipt and ack stand in the journal under one id, with the text."""
    journal = Journal(tmp_path / "journal", SystemClock())
    async with running(quick(), journal) as (_, connect):
        client = await connect()
        await client.bind()
        await client.send(submit_sm(b"nonce 7"))
        message_id = (await client.receive(SubmitSmResp)).message_id
        await client.acknowledge(await client.receive(DeliverSm))
        await client.send(EnquireLink())
        await client.receive(EnquireLinkResp)
    journal.close()
    lines: list[dict[str, Any]] = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["submit", "response", "receipt", "ack"]
    assert {line["id"] for line in lines} == {message_id}
    assert lines[0]["text"] == "nonce 7"
    assert lines[3]["status"] == 0
