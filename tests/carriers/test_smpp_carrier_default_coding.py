"""Carriers whose data_coding 0 is not GSM 03.38 with a septet in each octet."""

from typing import Any

import pytest
import trio
import trio.testing
from smpp_carrier_bench import receipt_text, smpp_carrier

from smsagg.model import MessageState
from smsagg.smpp.pdu import DeliverSm, SubmitSm
from smsagg.smpp.tlv import Tag
from smsagg.text import GSM_DEFAULT, pack

Clock = trio.testing.MockClock
PAYLOAD = int(Tag.MESSAGE_PAYLOAD)
E_ACUTE = GSM_DEFAULT.encode("é@")


@pytest.mark.parametrize(
    ("data_coding_0", "fields", "body", "data_coding"),
    [
        ("gsm", {"body": E_ACUTE}, E_ACUTE, 0),
        ("gsm_packed", {"body": b"hellohello"}, bytes.fromhex("e8329bfd4697d9ec37"), 0),
        ("gsm_packed", {"body": b"hellohello", "data_coding": 0xF0}, bytes.fromhex("e8329bfd4697d9ec37"), 0xF0),
        ("gsm_packed", {"body": b"\0a", "data_coding": 8}, b"\0a", 8),
        ("latin1", {"body": E_ACUTE}, b"\xe9@", 0),
        ("ascii", {"body": E_ACUTE}, "é@".encode("utf-16-be"), 8),
        ("latin1", {"body": bytes.fromhex("050003010201") + E_ACUTE, "esm_class": 0x40}, b"\5\0\3\1\2\1\xe9@", 0),
    ],
)
async def test_submits_in_the_form_that_the_carrier_reads(
    autojump_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    data_coding_0: str,
    fields: dict[str, Any],
    body: bytes,
    data_coding: int,
) -> None:
    """Septets packed, Latin-1, or UCS-2 where the carrier's alphabet lacks a character; the message itself stays."""
    async with smpp_carrier(monkeypatch, data_coding_0=data_coding_0) as bench:
        smsc = await bench.network.bound()
        (message,) = bench.send(1, **fields)
        submit = await smsc.receive(SubmitSm)
        assert (submit.short_message, submit.data_coding) == (body, data_coding)
        assert message.body == fields["body"]


async def test_payloads_are_recoded_too(autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The body is the body, wherever it travels."""
    async with smpp_carrier(monkeypatch, data_coding_0="latin1") as bench:
        smsc = await bench.network.bound()
        bench.send(1, body=E_ACUTE * 200, in_payload=True)
        submit = await smsc.receive(SubmitSm)
        assert (submit.short_message, submit.tlvs) == (b"", ((PAYLOAD, b"\xe9@" * 200),))


@pytest.mark.parametrize(
    ("data_coding_0", "short_message", "body", "data_coding"),
    [
        ("gsm", E_ACUTE, E_ACUTE, 0),
        ("gsm_packed", pack(b"hellohello"), b"hellohello", 0),
        ("latin1", b"\xe9@", E_ACUTE, 0),
        ("latin1", "ã".encode("latin-1"), "ã".encode("utf-16-be"), 8),
    ],
)
async def test_messages_from_handsets(
    autojump_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    data_coding_0: str,
    short_message: bytes,
    body: bytes,
    data_coding: int,
) -> None:
    """They come to our accounts in GSM 03.38, or in UCS-2 when that lacks a character."""
    async with smpp_carrier(monkeypatch, data_coding_0=data_coding_0) as bench:
        smsc = await bench.network.bound()
        await smsc.send(DeliverSm(short_message=short_message))
        await trio.testing.wait_all_tasks_blocked()
        (mo,) = bench.events.mo
        assert (mo.body, mo.data_coding) == (body, data_coding)


@pytest.mark.parametrize("in_payload", [False, True])
async def test_packed_receipts_are_read(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, in_payload: bool
) -> None:
    """Their text is GSM 03.38 like any other."""
    packed = pack(GSM_DEFAULT.encode(receipt_text("0a1b").decode()))
    fields: dict[str, Any] = {"tlvs": ((PAYLOAD, packed),)} if in_payload else {"short_message": packed}
    async with smpp_carrier(monkeypatch, data_coding_0="gsm_packed") as bench:
        smsc = await bench.network.bound()
        await smsc.send(DeliverSm(esm_class=4, **fields))
        await trio.testing.wait_all_tasks_blocked()
        (receipt,) = bench.events.receipts
        assert (receipt.carrier_message_id, receipt.state) == ("0a1b", MessageState.DELIVERED)


@pytest.mark.parametrize("data_coding_0", ["latin1", "gsm_packed"])
async def test_a_text_that_would_outgrow_a_payload_stays_as_it_came(
    autojump_clock: Clock, monkeypatch: pytest.MonkeyPatch, data_coding_0: str
) -> None:
    """What comes to our accounts can be handed on to them."""
    payload = b"\xb7" * 60_000
    async with smpp_carrier(monkeypatch, data_coding_0=data_coding_0) as bench:
        smsc = await bench.network.bound()
        await smsc.send(DeliverSm(tlvs=((PAYLOAD, payload),)))
        await trio.testing.wait_all_tasks_blocked()
        (mo,) = bench.events.mo
        assert (mo.body, mo.data_coding) == (payload, 0)
