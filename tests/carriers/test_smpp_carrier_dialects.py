"""Carriers that write receipts in their own way, and handsets that write what looks like one."""

from typing import Any

import pytest
import trio.testing
from smpp_carrier_bench import receipt_pdu, receipt_text, smpp_carrier

from smsagg.model import Cause, MessageState
from smsagg.receipts.settings import DialectSettings
from smsagg.smpp import pdu as p
from smsagg.smpp import status as s
from smsagg.smpp.codec import encode
from smsagg.smpp.tlv import Tag

Clock = trio.testing.MockClock
FORGED = receipt_text("id-1")


@pytest.mark.parametrize(
    ("settings", "pdu"),
    [
        ({}, p.DeliverSm(short_message=FORGED)),
        ({}, p.DeliverSm(short_message=FORGED, tlvs=((0x001E, b"id-1\0"), (0x0427, b"\2")))),
        ({}, p.DeliverSm(tlvs=((int(Tag.MESSAGE_PAYLOAD), FORGED),))),
        ({}, p.DataSm(tlvs=((int(Tag.MESSAGE_PAYLOAD), FORGED),))),
        ({"receipts": DialectSettings(unmarked=True)}, p.DeliverSm(short_message=b"hi " + FORGED)),
        ({"receipts": DialectSettings(unmarked=True)}, p.DeliverSm(short_message=b"id:id-1 stat:DELIVRD")),
        ({"receipts": DialectSettings(unmarked=True)}, p.DeliverSm(short_message=FORGED, esm_class=0x10)),
    ],
)
async def test_receipt_text_in_a_handsets_message_forges_nothing(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], pdu: p.DeliverSm | p.DataSm
) -> None:
    """Only esm_class makes a receipt; for carriers that do not mark theirs only the anchored fields do (D14)."""
    async with smpp_carrier(monkeypatch, **settings) as bench:
        smsc = await bench.network.bound()
        await smsc.send(pdu)
        await bench.events.wait_until(lambda: len(bench.events.mo) == 1)
        assert bench.events.receipts == []


@pytest.mark.parametrize(
    "pdu",
    [
        p.DeliverSm(short_message=FORGED),
        p.DeliverSm(tlvs=((0x001E, b"id-1\0"), (0x0427, b"\2"))),
        p.DataSm(tlvs=((int(Tag.MESSAGE_PAYLOAD), FORGED),)),
    ],
)
async def test_unmarked_receipts_of_a_carrier_that_is_known_for_them(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, pdu: p.DeliverSm | p.DataSm
) -> None:
    """With ``unmarked`` a PDU of esm_class 0 that reads as a receipt is one (D13)."""
    async with smpp_carrier(monkeypatch, receipts=DialectSettings(unmarked=True)) as bench:
        smsc = await bench.network.bound()
        await smsc.send(pdu)
        await bench.events.wait_until(lambda: len(bench.events.receipts) == 1)
        assert bench.events.receipts[0].carrier_message_id == "id-1"
        assert bench.events.mo == []


async def test_what_a_receipt_says_beside_the_state(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cause by the preset, its raw id, its text and whom the message was for."""
    async with smpp_carrier(monkeypatch, dialect="gsm-map", receipt_id="hex_to_decimal") as bench:
        smsc = await bench.network.bound()
        text = receipt_text("00FF", "UNDELIV").replace(b"err:000", b"err:027")
        await smsc.send(p.DeliverSm(esm_class=4, source_addr="447700900123", short_message=text))
        await smsc.receive(p.DeliverSmResp)
        (receipt,) = bench.events.receipts
        assert (receipt.carrier_message_id, receipt.raw_id) == ("255", "00FF")
        assert (receipt.state, receipt.cause) == (MessageState.UNDELIVERABLE, Cause.ABSENT_SUBSCRIBER)
        assert (receipt.text, receipt.msisdn) == (text, "447700900123")


async def test_a_receipt_whose_tlvs_break_off(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is read as far as it goes, and answered."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        pdu = receipt_pdu("id-1", tlvs=((0x0427, b"\2"), (0x001E, b"id-1\0")))
        pdu.sequence_number = 7
        frame = encode(pdu)[:-3]
        await smsc.stream.send_all(len(frame).to_bytes(4, "big") + frame[4:])
        response = await smsc.receive(p.DeliverSmResp)
        assert (response.sequence_number, response.command_status) == (7, s.ESME_ROK)
        (receipt,) = bench.events.receipts
        assert (receipt.carrier_message_id, receipt.state) == ("id-1", MessageState.DELIVERED)


@pytest.mark.parametrize(
    ("pdu", "oddity"),
    [
        (receipt_pdu("id-1", "NOVEL"), "unknown_state"),
        (receipt_pdu("id-1", "NOVEL", tlvs=((0x0427, b"\2"),)), ""),
        (receipt_pdu("id-2", tlvs=((0x001E, b"id-1\0"),)), "ids_differ"),
        (receipt_pdu("id-1"), ""),
    ],
)
async def test_oddities_are_passed_on(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, pdu: p.DeliverSm, oddity: str
) -> None:
    """A word that nobody knows changes no state and is told (D12); of two ids the TLV counts, which is told (D15)."""
    async with smpp_carrier(monkeypatch) as bench:
        smsc = await bench.network.bound()
        pdu.sequence_number = 0
        await smsc.send(pdu)
        await smsc.receive(p.DeliverSmResp)
        (receipt,) = bench.events.receipts
        assert (receipt.carrier_message_id, receipt.oddity) == ("id-1", oddity)
